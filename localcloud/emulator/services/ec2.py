"""EC2: addresses found by address, and rules of security groups about prefix lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import ec2

from localcloud.emulator.corrections import replace


def install() -> None:
    replace(ec2, "_parse_ip_permissions", _with_prefix_lists(ec2._parse_ip_permissions))
    stock = ec2._ACTION_MAP["DescribeAddresses"]

    def describe_addresses(parameters: dict[str, Any]) -> Any:
        # Upstream ignores PublicIp.N and answers with every address of the account.
        asked = ec2._parse_member_list(parameters, "PublicIp")
        if not asked:
            return stock(parameters)
        found = [each["AllocationId"] for each in ec2._addresses.values() if each["PublicIp"] in asked]
        if len(found) < len(asked):
            return ec2._error("InvalidAddress.NotFound", f"Address '{', '.join(asked)}' not found.", 400)
        return stock({**parameters, **{f"AllocationId.{n}": [name] for n, name in enumerate(found, start=1)}})

    ec2._ACTION_MAP["DescribeAddresses"] = describe_addresses


def _with_prefix_lists(stock: Callable[[dict[str, Any], str], list[dict[str, Any]]]) -> Callable[..., Any]:
    """Upstream shows the prefix lists of a rule, and does not read them."""

    def parse(parameters: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
        rules = stock(parameters, prefix)
        for number, rule in enumerate(rules, start=1):
            rule["PrefixListIds"] = list(_lists(parameters, f"{prefix}.{number}.PrefixListIds"))
        return rules

    return parse


def _lists(parameters: dict[str, Any], member: str) -> Iterator[dict[str, str]]:
    for number in itertools.count(1):
        named = ec2._p(parameters, f"{member}.{number}.PrefixListId")
        if not named:
            return
        text = ec2._p(parameters, f"{member}.{number}.Description")
        yield {"PrefixListId": named, **({"Description": text} if text else {})}
