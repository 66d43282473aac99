"""How to mend what cdk-nag finds: it says what is wrong and why, and leaves this out."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

_DATA = Path(__file__).parent / "remedies.toml"
_RULES = "https://github.com/cdklabs/cdk-nag/blob/main/RULES.md"


def of(rule: str) -> str:
    """The remedy for a rule as reports name it, `HIPAA.Security-LambdaDLQ` or `AwsSolutions-IAM5[Resource::*]`."""
    name = rule.split("-", 1)[-1].split("[", 1)[0]
    return _remedies().get(name) or f"Change the properties so that the rule holds: see {name} in {_RULES}."


@functools.cache
def _remedies() -> dict[str, str]:
    return dict(tomllib.loads(_DATA.read_text()))
