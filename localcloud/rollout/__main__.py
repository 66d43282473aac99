"""Command line: `python -m localcloud.rollout --scenario good,bad-5xx --strategy canary`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from localcloud.console import LocalCloudError, fail
from localcloud.rollout import command
from localcloud.rollout.scenarios import SCENARIOS, Scenario
from localcloud.rollout.source import Strategy

USUAL = "good,bad-5xx"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make rollout",
        description="Roll a new version out on the local cloud, under load, and judge how it went.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scenarios:\n" + "\n".join(f"  {one.name:<22}{one.says}" for one in SCENARIOS.values()),
    )
    parser.add_argument("--scenario", default=USUAL, help=f"names with commas between, or all (default: {USUAL})")
    parser.add_argument("--strategy", default="canary", choices=["canary", "blue_green"])
    parser.add_argument("--env", default="dev", help="environment to bring up where nothing runs (default: dev)")
    parser.add_argument("--rate", type=float, default=12.0, help="actions per second (default: 12)")
    parser.add_argument("--canary-minutes", type=int, default=3, help="of the first step (default: 3)")
    parser.add_argument("--bake-minutes", type=int, help="after all traffic moved (default: canary 1, blue-green 3)")
    parser.add_argument("--output", type=Path, default=command.OUTPUT, help="folder of the report (out/rollout)")
    return parser


def _rehearsals(options: argparse.Namespace) -> list[tuple[Scenario, Strategy]]:
    """Raises LocalCloudError for an unknown name."""
    if options.scenario == "all":
        chosen = [(scenario, "canary") for scenario in SCENARIOS.values()]
        chosen.append((SCENARIOS["good"], "blue_green"))
    else:
        names = options.scenario.split(",")
        if unknown := [name for name in names if name not in SCENARIOS]:
            raise LocalCloudError(f"no scenario {', '.join(unknown)}", remedy=f"there are: all, {', '.join(SCENARIOS)}")
        chosen = [(SCENARIOS[name], options.strategy) for name in names]
    return [(scenario, _strategy(name, options)) for scenario, name in chosen]


def _strategy(name: str, options: argparse.Namespace) -> Strategy:
    bake = options.bake_minutes or (3 if name == "blue_green" else 1)
    return Strategy(name=name, canary_minutes=options.canary_minutes, bake_minutes=bake)


def main(arguments: list[str] | None = None) -> int:
    """0 when everything held, 1 when not or when it could not be rehearsed, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    try:
        plan = command.Plan(rehearsals=_rehearsals(options), env=options.env, rate=options.rate, output=options.output)
        return command.rehearse(plan)
    except LocalCloudError as error:
        return fail(error)
    except KeyboardInterrupt:
        remedy = (
            "a deployment that was under way goes on; make up brings the platform back to what the repository holds"
        )
        return fail(LocalCloudError("interrupted", remedy=remedy))


if __name__ == "__main__":
    sys.exit(main())
