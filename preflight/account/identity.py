"""Whose credentials these are, and whether the regions and zones that the stacks name are theirs to use."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed, unchecked
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.assembly import Assembly
from preflight.values import strings, text

ZONAL = {
    "AWS::EC2::Subnet": "AvailabilityZone",
    "AWS::EC2::Instance": "AvailabilityZone",
    "AWS::EC2::Volume": "AvailabilityZone",
    "AWS::RDS::DBInstance": "AvailabilityZone",
    "AWS::RDS::DBCluster": "AvailabilityZones",
    "AWS::AutoScaling::AutoScalingGroup": "AvailabilityZones",
    "AWS::ElastiCache::ReplicationGroup": "PreferredCacheClusterAZs",
}


@check("identity", title="The credentials are those of the account that the stacks are made for")
def identity(account: Account, assembly: Assembly) -> Iterator[Answer]:
    asked = account.region(assembly.stacks[0]) if assembly.stacks else "us-east-1"
    caller = account.ask("sts", "GetCallerIdentity", region=asked) or {}
    number, arn = str(caller.get("Account", "")), str(caller.get("Arn", ""))
    named = sorted({stack.account for stack in assembly.stacks if stack.account is not None})
    floating = sum(stack.account is None for stack in assembly.stacks)
    if number not in named and not floating:
        yield failed(
            number,
            f"{arn}; the stacks are made for {', '.join(named)}",
            remedy="use credentials of that account, or set the account in the app's configuration",
        )
        return
    yield passed(number, f"{arn}; {floating} stacks name no account, and would go into this one" if floating else arn)
    for other in named:
        if other != number:
            count = sum(stack.account == other for stack in assembly.stacks)
            which = f"{count} of {len(assembly.stacks)} stacks go into this account"
            yield unchecked(other, f"{which}: run again with credentials of it")


@check("region", title="The regions are enabled in the account")
def enabled_regions(account: Account, assembly: Assembly) -> Iterator[Answer]:
    regions = account.regions(assembly)
    if not regions:
        return
    described = account.every("ec2", "DescribeRegions", "Regions", region=regions[0], AllRegions=True)
    status = {found.get("RegionName"): found.get("OptInStatus", "opt-in-not-required") for found in described}
    for region in regions:
        if region not in status:
            yield failed(region, "AWS knows no such region", remedy="correct the region in the app's configuration")
        elif status[region] == "not-opted-in":
            yield failed(
                region, "not enabled for this account", remedy=f"aws account enable-region --region-name {region}"
            )
        else:
            yield passed(region, str(status[region]))


@check("zones", title="The availability zones that the stacks name exist and are available", constraints=(48,))
def zones(account: Account, assembly: Assembly) -> Iterator[Answer]:
    named: dict[str, set[str]] = {}
    for region, resources in account.by_region(assembly, *ZONAL).items():
        for resource in resources:
            node = resource.get(ZONAL[resource.type])
            literal = [text(node)] if ZONAL[resource.type] == "AvailabilityZone" else strings(node)
            named.setdefault(region, set()).update(zone for zone in literal if zone)

    def in_region(region: str) -> Iterator[Answer]:
        available = zone_names(account, region)
        missing = sorted(named[region] - set(available))
        if missing:
            yield failed(
                region,
                f"{', '.join(missing)} not available to this account; {', '.join(available)} are",
                remedy="name zones of this account, or let Fn::GetAZs choose",
            )
        else:
            yield passed(region, f"{', '.join(sorted(named[region]))} available")

    yield from account.each([region for region in sorted(named) if named[region]], in_region)


def zone_names(account: Account, region: str) -> list[str]:
    """The region's availability zones that are available to the account (no local or wavelength zones)."""
    found = account.every("ec2", "DescribeAvailabilityZones", "AvailabilityZones", region=region)
    return sorted(
        zone["ZoneName"]
        for zone in found
        if zone.get("State") == "available" and zone.get("ZoneType", "availability-zone") == "availability-zone"
    )
