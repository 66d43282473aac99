"""Command line of the local cloud: `python -m localcloud up`, `down`, `status` and the other verbs below."""

from __future__ import annotations

import argparse
import sys

from localcloud import commands
from localcloud.console import LocalCloudError, fail
from localcloud.dashboards import command as dashboards


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localcloud", description="The deployed stacks, running on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="deploy the stacks and run the application")
    up.add_argument("--env", default="dev", help="environment to deploy: a file in config/ (default: dev)")
    down = verbs.add_parser("down", help="stop everything; data stays")
    down.add_argument("--delete-data", action="store_true", help="delete the state folder too")
    verbs.add_parser("status", help="what runs and how healthy it is")
    verbs.add_parser("metrics", help="the metrics of the last minute, as CloudWatch has them")
    boards = verbs.add_parser("dashboards", help="the deployed dashboards as pages, with data")
    boards.add_argument("--hours", type=float, help="how much of the past (default: what each dashboard says)")
    logs = verbs.add_parser("logs", help="follow the logs")
    logs.add_argument("part", nargs="?", help="only files whose name contains this")
    traces = verbs.add_parser("traces", help="the newest traces, or one of them as a tree")
    traces.add_argument("of", nargs="?", help="the beginning of a trace's id, or a receipt's id")
    send = verbs.add_parser("send", help="send every image of a folder through the running platform")
    send.add_argument("folder")
    verbs.add_parser("env", help="shell lines that point AWS tools at the local cloud")
    return parser


def main() -> int:
    arguments = _parser().parse_args()
    try:
        match arguments.verb:
            case "up":
                return commands.up(env=arguments.env)
            case "down":
                return commands.down(delete_data=arguments.delete_data)
            case "status":
                return commands.show_status()
            case "metrics":
                return commands.show_metrics()
            case "dashboards":
                return dashboards.write(hours=arguments.hours)
            case "logs":
                return commands.show_logs(arguments.part)
            case "traces":
                return commands.show_traces(arguments.of)
            case "send":
                return commands.send(arguments.folder)
            case _:
                return commands.show_environment()
    except LocalCloudError as error:
        return fail(error)
    except KeyboardInterrupt:
        return fail(LocalCloudError("interrupted", remedy="run the same command again: it goes on from here"))


if __name__ == "__main__":
    sys.exit(main())
