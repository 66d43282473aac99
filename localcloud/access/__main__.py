"""`python -m localcloud.access`: tries what no task may do, and looks whether what tasks and functions did was let.

Writes `out/access/proof.json` for `make audit`: `ok`, the attempts, and the calls that were refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from botocore.exceptions import EndpointConnectionError

from localcloud import layout
from localcloud.access.forbidden import FORBIDDEN, attempts, task_roles, world
from localcloud.runner.roles import RoleSessions

PROOF = Path("out/access/proof.json")


def main(arguments: list[str] | None = None) -> int:
    """0 when everything forbidden was refused and nothing else was, 1 when not, 2 without a local cloud."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.access", description=__doc__)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--output", type=Path, default=PROOF, help=f"where the proof goes (default: {PROOF})")
    options = parser.parse_args(arguments)
    refused = refused_calls()  # before the attempts, which are refused and noted as well
    try:
        roles = task_roles(options.region)
        there = world(options.region)
        tried = [one for role in roles for one in attempts(RoleSessions(), role, there)]
    except (EndpointConnectionError, IndexError, StopIteration):
        print("there is no platform in the local cloud: make up", file=sys.stderr)
        return 2
    let = [one for one in tried if not one.refused]
    proof = {
        "ok": bool(tried) and not let and not refused,
        "roles": [role.rpartition("/")[2] for role in roles],
        "attempts": [asdict(one) for one in tried],
        "refused_calls": refused,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(proof, indent=1) + "\n")
    for one in let:
        print(f"NOT REFUSED  {one.role}: {one.call} ({one.answer})")
    for line in refused:
        print(f"REFUSED      {line}")
    print(f"{len(roles)} task roles, {len(FORBIDDEN)} forbidden calls each: {len(tried) - len(let)} refused")
    return 0 if proof["ok"] else 1


def refused_calls() -> list[str]:
    """Calls of tasks, functions and services that were denied since this local cloud was made, without our attempts."""
    file = layout.folder("emulator") / "calls.jsonl"
    calls = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return sorted(f"{one['role']}: {one['action']} on {one['resource']}" for one in calls if not one["allowed"])


if __name__ == "__main__":
    sys.exit(main())
