"""Command line: `python -m localcloud.drill --name alarms`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from localcloud.console import LocalCloudError, fail
from localcloud.drill.catalog import DRILLS
from localcloud.drill.plan import OUTPUT, Plan


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make drill",
        description="Break something on the local cloud, and check what comes of it.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="drills:\n" + "\n".join(f"  {drill.name:<12}{drill.says}" for drill in DRILLS.values()),
    )
    parser.add_argument(
        "--name",
        default="faults",
        choices=list(DRILLS),
        metavar="NAME",
        help="which drill (default: faults)",
    )
    parser.add_argument("--env", default="prod", help="environment to bring up where nothing runs (default: prod)")
    parser.add_argument(
        "--rate", type=float, help="load in actions per second (default: 8 with faults, else 2; 0 for none)"
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="of the calm run (default: 30)")
    parser.add_argument("--only", default="", help="faults with commas between (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which faults are made (default: 1)")
    parser.add_argument("--times", type=int, default=1, help="how often the faults are gone through (default: 1)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the reports (out/drill)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0 when everything held, 1 when not or when there could be no drill, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs have the first one ignored
        signal.signal(number, signal.default_int_handler)
    plan = Plan(
        env=options.env,
        rate=DRILLS[options.name].rate if options.rate is None else options.rate,
        minutes=options.minutes,
        only=tuple(name for name in options.only.split(",") if name),
        seed=options.seed,
        times=options.times,
        output=options.output,
    )
    try:
        return DRILLS[options.name].run(plan)
    except LocalCloudError as error:
        return fail(error)
    except KeyboardInterrupt:
        return fail(LocalCloudError("interrupted", remedy="what was broken was mended; make status shows what runs"))


if __name__ == "__main__":
    sys.exit(main())
