"""Preflight measured: planted faults found beside cfn-lint and CDK's validation, false alarms, time and linearity.

The figures go to out/bench/preflight.json, with every planted fault and what each tool said of it. `make bench` judges
a sample of the planted faults, the same one each time; `python -m benchmarks.preflight --all` judges them all.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import alarms, measure, recall
from preflight.assembly import Assembly, Stack
from preflight.engine import run
from preflight.loading import load
from stacks.platform import SpendSmartPlatform

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "out" / "bench" / "preflight.json"
COPIES = (1, 2, 4, 8)
RUNS = 3
PREFIX = "SpendSmart-Prod"


def _copies(sound: Assembly, count: int) -> Assembly:
    """The assembly several times over, each copy under names of its own and referring to itself alone."""
    made = Assembly()
    for number in range(count):
        for stack in sound.stacks:
            renamed = json.dumps(stack.template).replace(PREFIX, f"{PREFIX}{number}")
            made.stacks.append(
                Stack(
                    stack.name.replace(PREFIX, f"{PREFIX}{number}"),
                    json.loads(renamed),
                    made,
                    file=stack.file,
                    region=stack.region,
                    account=stack.account,
                    depends_on=frozenset(name.replace(PREFIX, f"{PREFIX}{number}") for name in stack.depends_on),
                    size=stack.size,
                    construct_paths=stack.construct_paths,
                )
            )
    return made


def linearity(folder: Path) -> list[dict[str, Any]]:
    """Time by number of resources: what is read again by each run is made again for each run."""
    rows: list[dict[str, Any]] = []
    sound = load(folder)
    run(_copies(sound, 1))  # what is read once per process
    for count in COPIES:
        seconds = []
        for _ in range(RUNS):
            assembly = _copies(sound, count)
            begun = time.perf_counter()
            result = run(assembly)
            seconds.append(time.perf_counter() - begun)
        median = statistics.median(seconds)
        rows.append({"copies": count, "resources": result.resources, "seconds": median})
        print(
            f"prod ×{count:<3} {result.resources:6} resources {median:8.3f} s "
            f"{median / result.resources * 1000:8.3f} ms a resource"
        )
    return rows


def main(*, sample: int | None = recall.SAMPLE) -> None:
    print("\nPreflight: over the whole prod assembly")
    results: dict[str, Any] = {"machine": measure.machine()}
    with tempfile.TemporaryDirectory(prefix="bench") as temporary:
        folder = Path(temporary) / "prod"
        SpendSmartPlatform(environment="prod", validate=False, outdir=str(folder)).synth()

        def command() -> measure.Sample:
            return measure.run([sys.executable, "-m", "preflight", folder], cwd=ROOT)

        series = measure.series("python -m preflight, a process each", command, runs=5)
        print(series.row())
        results["command seconds"] = series.median
        results["linearity"] = linearity(folder)
        print("\nPreflight: false alarms")
        results["false alarms"] = alarms.report(*alarms.measure())
        planted, judged = len(recall.chosen(None)), recall.chosen(sample)
        of_them = "all" if sample is None else f"a sample (seed {recall.SEED}) of {len(judged)} of the"
        print(f"\nPreflight: planted faults found, {of_them} {planted}, by each tool in the same run")
        begun = time.perf_counter()
        results["recall"] = recall.measure(folder, sample=sample)
        recall.report(results["recall"])
        print(f"all tools over all faults: {time.perf_counter() - begun:.0f} s in {recall.PROCESSES} processes")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sample=None if "--all" in sys.argv[1:] else recall.SAMPLE)
