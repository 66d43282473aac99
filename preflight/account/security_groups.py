"""Rules per security group against the account's quota, with what each prefix list weighs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.quota import increase, quota
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import Node, entries, integer, target, text

QUOTA = "L-0EA8095F"
GROUP = "AWS::EC2::SecurityGroup"
SEPARATE = {"AWS::EC2::SecurityGroupIngress": "inbound", "AWS::EC2::SecurityGroupEgress": "outbound"}
INLINE = {"SecurityGroupIngress": "inbound", "SecurityGroupEgress": "outbound"}
PEERS = {"inbound": "SourcePrefixListId", "outbound": "DestinationPrefixListId"}

# From the VPC user guide, "AWS-managed prefix lists": how many rules a list counts for.
WEIGHTS = (
    (re.compile(r"com\.amazonaws\.global\.(ipv6\.)?cloudfront\.origin-facing"), 55),
    (re.compile(r"com\.amazonaws\.[^.]+\.(ipv6\.)?route53-healthchecks"), 25),
    (re.compile(r"com\.amazonaws\.[^.]+\.(ipv6\.)?vpc-lattice"), 10),
    (re.compile(r"com\.amazonaws\.[^.]+\.s3express"), 6),
    (re.compile(r"com\.amazonaws\.global\.groundstation"), 5),
    (re.compile(r"com\.amazonaws\.[^.]+\.(ipv6\.)?ec2-instance-connect"), 2),
    (re.compile(r"com\.amazonaws\.[^.]+\.(s3|dynamodb)"), 1),
)


@check("quota-security-groups", title="No security group gets more rules than the account allows", constraints=(49,))
def rules_per_group(account: Account, assembly: Assembly) -> Iterator[Answer]:
    groups: dict[str, dict[tuple[str, str], list[Node]]] = defaultdict(lambda: defaultdict(list))
    for region, resources in account.by_region(assembly, GROUP, *SEPARATE).items():
        for resource in resources:
            for group, direction, peer in _rules(resource):
                groups[region][group, direction].append(peer)

    def in_region(region: str) -> Iterator[Answer]:
        limit = int(quota(account, region, "vpc", QUOTA).value)
        largest = (0, "")
        for (group, direction), peers in sorted(groups[region].items()):
            there = _already(account, region, group, direction)
            count = there + sum(_weight(account, region, peer) for peer in peers)
            figures = f"{count} {direction} rules of {limit}"
            if group.startswith("sg-"):
                figures += f", {there} of them in the account already"
            if count > limit:
                yield failed(
                    f"{region} {group}",
                    figures,
                    remedy=increase(region, "vpc", QUOTA, count) + ", or share the rules among several groups",
                )
            largest = max(largest, (count, f"{group} {direction}"))
        if largest[0] <= limit:
            yield passed(region, f"at most {largest[0]} rules of {limit} ({largest[1]})")

    yield from account.each(sorted(groups), in_region)


def _rules(resource: Resource) -> Iterator[tuple[str, str, Node]]:
    """(group, direction, the prefix list or an absent node) of each rule that the resource brings."""
    if resource.type == GROUP:
        for attribute, direction in INLINE.items():
            for rule in entries(resource.get(attribute)):
                yield resource.construct_path, direction, rule.get(PEERS[direction])
        return
    direction = SEPARATE[resource.type]
    node = resource.get("GroupId")
    group = target(node, GROUP)
    name = group.construct_path if group is not None else text(node)
    if name is not None:
        yield name, direction, resource.get(PEERS[direction])


def _weight(account: Account, region: str, prefix_list: Node) -> int:
    if prefix_list.absent:
        return 1
    own = target(prefix_list, "AWS::EC2::PrefixList")
    if own is not None:
        return integer(own.get("MaxEntries")) or 1
    identity = text(prefix_list)
    if identity is None:
        return 1
    found = account.every("ec2", "DescribeManagedPrefixLists", "PrefixLists", region=region, PrefixListIds=[identity])
    for described in found:
        name = str(described.get("PrefixListName", ""))
        for pattern, weight in WEIGHTS:
            if pattern.fullmatch(name):
                return weight
        return int(described.get("MaxEntries", 1))
    return 1


def _already(account: Account, region: str, group: str, direction: str) -> int:
    """Rules that a group outside these stacks has: previews share groups with what they are a preview of."""
    if not group.startswith("sg-"):
        return 0
    found = account.every(
        "ec2",
        "DescribeSecurityGroupRules",
        "SecurityGroupRules",
        region=region,
        Filters=[{"Name": "group-id", "Values": [group]}],
    )
    return sum(bool(rule.get("IsEgress")) == (direction == "outbound") for rule in found)
