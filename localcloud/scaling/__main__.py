"""`python -m localcloud.scaling --env prod`: replay load traces against an environment's scaling policies.

Ends with 0 when every check holds, 1 when one does not, 2 when it cannot be worked out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from localcloud import outputs
from localcloud.console import LocalCloudError, fail
from localcloud.scaling.errors import ScalingError
from localcloud.scaling.limits import read_schedule
from localcloud.scaling.model import Service
from localcloud.scaling.outcome import Outcome, Trial, try_out
from localcloud.scaling.overlay import read
from localcloud.scaling.real.compare import Comparison, compare
from localcloud.scaling.real.run import run
from localcloud.scaling.report.page import as_html
from localcloud.scaling.report.summary import as_json
from localcloud.scaling.report.terminal import as_text
from localcloud.scaling.template import Assembly


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        trial = Trial(
            overlay=read(options.policy) if options.policy else None,
            trace=options.trace,
            schedule=tuple(read_schedule(options.schedule)) if options.schedule else (),
            predictive=options.predictive,
        )
        assembly = outputs.assembly() if options.real else options.assembly
        services = Assembly(folder=assembly).services()
        outcome = try_out(options.env, services, trial)
        comparison = _run_for_real(services) if options.real else None
        _write(outcome, comparison, options.output)
    except ScalingError as error:
        print(f"scaling: {error}", file=sys.stderr)
        return 2
    except LocalCloudError as error:
        fail(error)
        return 2
    print(as_text(outcome))
    if comparison:
        print(_said(comparison))
    print(f"Plots: {options.output / 'index.html'}")
    return 0 if outcome.ok and (comparison is None or comparison.ok) else 1


def _run_for_real(services: list[Service]) -> Comparison:
    """The first service that answers requests, on the local cloud that is up."""
    service = next((one for one in services if not one.is_worker), None)
    if service is None:
        raise ScalingError("no service that answers requests scales, so none can be run for real")
    return compare(service, run(service))


def _said(comparison: Comparison) -> str:
    recorded, simulated = comparison.desired, [minute.desired for minute in comparison.simulated.minutes]
    recording = comparison.recording
    return (
        f"For real: {comparison.service.name} went from {min(recorded)} to {max(recorded)} tasks and ended at "
        f"{recorded[-1]} (simulated: {min(simulated)}, {max(simulated)}, {simulated[-1]}); within one task of each "
        f"other in {100 * comparison.agreeing:.0f} % of the minutes; {recording.failed} of {recording.sent} requests "
        f"failed: {'ok' if comparison.ok else 'FAILED'}"
    )


def _write(outcome: Outcome, comparison: Comparison | None, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(as_html(outcome, comparison))
        (folder / "summary.json").write_text(json.dumps(as_json(outcome, comparison), indent=2) + "\n")
    except OSError as error:
        raise ScalingError(f"{folder}: cannot be written: {error.strerror}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scaling", description="Load traces against scaling policies.")
    parser.add_argument("--env", required=True, help="the environment's name, for people")
    parser.add_argument("--assembly", type=Path, default=Path("cdk.out"), help="where its templates are (cdk.out)")
    parser.add_argument("--trace", help="this trace alone")
    parser.add_argument("--policy", help="a policy file, or the name of one in localcloud/scaling/policies")
    parser.add_argument("--schedule", type=Path, help="a file with scheduled actions")
    parser.add_argument("--predictive", action="store_true", help="raise the minimum by a forecast from earlier days")
    parser.add_argument(
        "--real", action="store_true", help="also run a flash crowd on the local cloud that is up (16 minutes)"
    )
    parser.add_argument("--output", type=Path, default=Path("out/scaling"), help="folder for the reports")
    return parser


if __name__ == "__main__":
    sys.exit(main())
