"""EC2: addresses found by address."""

from __future__ import annotations

from typing import Any

from ministack.services import ec2


def install() -> None:
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
