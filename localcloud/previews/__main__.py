"""`make preview NAME=pr-42 [BRANCH=…]`, `make preview-down NAME=pr-42`, and what is left of one."""

from __future__ import annotations

import argparse
import sys

from localcloud.console import LocalCloudError, fail
from localcloud.previews import leftovers, run
from previews.names import PreviewName, PreviewNameError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localcloud.previews", description="A preview of a branch, on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="deploy a preview, or update it")
    up.add_argument("name", help="a name such as pr-42, or the branch's own")
    up.add_argument("--branch", help="what to deploy: a branch or any revision (default: the work tree as it is)")
    up.add_argument("--keep-data", action="store_true", help="migrate the database that is there (default: a new one)")
    up.add_argument("--reset", action="store_true", help="a new database though nothing has changed")
    up.add_argument("--closed", action="store_true", help="let in nobody without the token (default: this machine)")
    down = verbs.add_parser("down", help="delete a preview with all that it has")
    down.add_argument("name")
    left = verbs.add_parser("leftovers", help="whatever there still is of a preview; exits 1 when that is anything")
    left.add_argument("name")
    return parser


def main() -> int:
    given = _parser().parse_args()
    try:
        preview = PreviewName.of(given.name)
        match given.verb:
            case "up":
                wanted = run.Wanted(keep_data=given.keep_data, reset=given.reset, closed=given.closed)
                return run.up(preview, revision=given.branch or None, wanted=wanted)
            case "down":
                return run.down(preview)
            case _:
                return _show(leftovers.of(preview))
    except PreviewNameError as error:
        return fail(LocalCloudError(str(error)))
    except LocalCloudError as error:
        return fail(error)
    except KeyboardInterrupt:
        return fail(LocalCloudError("interrupted", remedy="run the same command again: it goes on from here"))


def _show(found: list[str]) -> int:
    print("\n".join(found) or "nothing is left")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
