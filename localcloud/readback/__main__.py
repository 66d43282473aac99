"""`python -m localcloud.readback cdk.out`: compare the local cloud with the templates; exits 1 on a difference."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import pkgutil
import sys
from pathlib import Path

from localcloud import aws
from localcloud.readback import assembly, readers


def load_readers() -> None:
    """Import every module of readers, which register themselves."""
    for found in pkgutil.iter_modules(readers.__path__):
        importlib.import_module(f"{readers.__name__}.{found.name}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assembly", type=Path, help="the folder that cdk synth wrote")
    parser.add_argument("--json", type=Path, help="write the findings to this file too")
    arguments = parser.parse_args()
    load_readers()
    result = assembly.check(arguments.assembly, aws.client)
    for finding in result.findings:
        print(f"{finding.stack} {finding.logical_id} ({finding.type}) {finding.message}")
    print(f"{result.resources} resources, {result.properties} properties, {len(result.findings)} differences")
    if arguments.json:
        content = {"ok": not result.findings, **dataclasses.asdict(result)}
        arguments.json.write_text(json.dumps(content, indent=1))
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
