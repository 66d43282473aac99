"""`python -m localcloud.scaling --env prod`: replay load traces against an environment's scaling policies.

Ends with 0 when every check holds, 1 when one does not, 2 when it cannot be worked out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from localcloud.scaling.errors import ScalingError
from localcloud.scaling.limits import read_schedule
from localcloud.scaling.outcome import Outcome, Trial, try_out
from localcloud.scaling.overlay import read
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
        outcome = try_out(options.env, Assembly(folder=options.assembly).services(), trial)
        _write(outcome, options.output)
    except ScalingError as error:
        print(f"scaling: {error}", file=sys.stderr)
        return 2
    print(as_text(outcome))
    print(f"Plots: {options.output / 'index.html'}")
    return 0 if outcome.ok else 1


def _write(outcome: Outcome, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(as_html(outcome))
        (folder / "summary.json").write_text(json.dumps(as_json(outcome), indent=2) + "\n")
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
    parser.add_argument("--output", type=Path, default=Path("out/scaling"), help="folder for the reports")
    return parser


if __name__ == "__main__":
    sys.exit(main())
