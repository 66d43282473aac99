"""How long the local cloud takes: the first start, a start with everything installed, deploys, and memory at rest."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure

ROOT = Path(__file__).resolve().parent.parent
BASE_PORT = "26500"


def _localcloud(home: Path, *arguments: str) -> measure.Sample:
    variables = {"LOCALCLOUD_HOME": str(home), "LOCALCLOUD_BASE_PORT": BASE_PORT}
    return measure.run([sys.executable, "-m", "localcloud", *arguments], cwd=ROOT, variables=variables)


def main() -> None:
    print("\nThe local cloud, everything installed")
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        home = Path(folder) / "home"
        os.environ.update(LOCALCLOUD_HOME=str(home), LOCALCLOUD_BASE_PORT=BASE_PORT)
        from localcloud import cdk, outputs, status

        try:
            first = measure.series("make up, no state (dev)", lambda: _localcloud(home, "up"), runs=1)
            print(first.row())
            print(measure.series("make up again, running", lambda: _localcloud(home, "up"), runs=3).row(beside=first))
            time.sleep(10)
            print(f"{'memory at rest, all processes':<44} {status.memory() / 1024**2:7.0f} MiB")
            assembly = outputs.assembly()
            unchanged = [*("deploy", "--all", "--app", str(assembly)), "--require-approval", "never", "--no-notices"]

            def deploy() -> measure.Sample:
                command = [ROOT / "scripts" / "cdk", *unchanged, "--concurrency", "6"]
                return measure.run(command, cwd=ROOT, variables=cdk.environment())

            print(measure.series("cdk deploy --all, nothing changed", deploy, runs=3).row(beside=first))
            stacks = len(json.loads((assembly / "manifest.json").read_text())["artifacts"])
            print(f"{'artifacts in the assembly':<44} {stacks:7d}")
        finally:
            print(measure.series("make down", lambda: _localcloud(home, "down"), runs=1).row())


if __name__ == "__main__":
    main()
