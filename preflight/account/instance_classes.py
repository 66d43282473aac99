"""Instance classes and endpoints: offered in each availability zone that the stacks put them into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed, unchecked
from preflight.account.api import Account, place
from preflight.account.engines import CLUSTER, INSTANCE, covers
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import Node, boolean, entries, strings, target, text


def zones_of(subnets: Node) -> set[str]:
    """The availability zones of the subnets that are known by name."""
    found = set()
    for entry in entries(subnets):
        subnet = target(entry, "AWS::EC2::Subnet")
        zone = text(subnet.get("AvailabilityZone")) if subnet is not None else None
        if zone:
            found.add(zone)
    return found


def _subnet_group(resource: Resource) -> Resource | None:
    return target(resource.get("DBSubnetGroupName"), "AWS::RDS::DBSubnetGroup")


@check("database-classes", title="The database classes are offered in every zone of their subnets")
def database_classes(account: Account, assembly: Assembly) -> Iterator[Answer]:
    wanted = account.by_region(assembly, INSTANCE, CLUSTER)
    questions = [
        (region, resource)
        for region, resources in wanted.items()
        for resource in resources
        if (_class(resource) or "").startswith("db.") and _class(resource) != "db.serverless"
    ]

    def one(item: tuple[str, Resource]) -> Iterator[Answer]:
        region, resource = item
        engine, version = _engine(resource)
        subject, name = f"{region} {resource.construct_path}", _class(resource) or ""
        if engine is None:
            yield unchecked(subject, "its engine cannot be read from the template")
            return
        options = account.every(
            "rds",
            "DescribeOrderableDBInstanceOptions",
            "OrderableDBInstanceOptions",
            region=region,
            Engine=engine,
            DBInstanceClass=name,
            Vpc=True,
        )
        fitting = [
            option
            for option in options
            if (version is None or covers(version, str(option.get("EngineVersion", ""))))
            and _suits(resource, option.get("StorageType"))
        ]
        offered = {zone.get("Name", "") for option in fitting for zone in option.get("AvailabilityZones", [])}
        what = f"{name} with {engine} {version or ''}".strip()
        group = _subnet_group(resource)
        zones = zones_of(group.get("SubnetIds")) if group is not None else set()
        multi_az = boolean(resource.get("MultiAZ")) is True
        if not fitting:
            if not options and not _any_class(account, region, engine, version):
                yield unchecked(subject, f"RDS names no class at all for {engine} {version or ''}".strip())
            else:
                yield failed(
                    subject, f"{what} is not offered in {region}", remedy="choose a class that RDS offers there"
                )
        elif multi_az and (len(offered) < 2 or not any(option.get("MultiAZCapable", True) for option in fitting)):
            yield failed(
                subject,
                f"{what} cannot be Multi-AZ; offered in {', '.join(sorted(offered))}",
                remedy="choose another class",
            )
        elif missing := sorted(zones - offered):
            yield failed(
                subject,
                f"{what}: not in {', '.join(missing)}, offered in {', '.join(sorted(offered))}",
                remedy="choose a class offered in all of them, or other zones for the subnet group",
            )
        else:
            yield passed(subject, f"{what}: {', '.join(sorted(zones)) or ', '.join(sorted(offered))}")

    yield from account.each(questions, one, subject=place)


def _any_class(account: Account, region: str, engine: str, version: str | None) -> bool:
    """Whether RDS knows of any class for the engine's version; if not, its list says nothing about ours."""
    found = account.every("rds", "DescribeDBEngineVersions", "DBEngineVersions", region=region, Engine=engine)
    full = [known["EngineVersion"] for known in found if version is None or covers(version, known["EngineVersion"])]
    return any(
        account.every(
            "rds",
            "DescribeOrderableDBInstanceOptions",
            "OrderableDBInstanceOptions",
            region=region,
            Engine=engine,
            EngineVersion=exact,
            Vpc=True,
        )
        for exact in full[-1:]
    )


def _class(resource: Resource) -> str | None:
    return text(resource.get("DBInstanceClass" if resource.type == INSTANCE else "DBClusterInstanceClass"))


def _engine(resource: Resource) -> tuple[str | None, str | None]:
    """Engine and version: a replica has its source's, a cluster's member its cluster's."""
    for _ in range(4):
        engine = text(resource.get("Engine"))
        source = target(resource.get("SourceDBInstanceIdentifier"), INSTANCE) or target(
            resource.get("DBClusterIdentifier"), CLUSTER
        )
        version = text(resource.get("EngineVersion"))
        if source is None or source is resource or (engine is not None and version is not None):
            return engine, version
        resource = source
    return None, None


def _suits(resource: Resource, storage: object) -> bool:
    wanted = text(resource.get("StorageType"))
    return wanted is None or storage is None or storage == wanted


INSTANCES = ("AWS::EC2::Instance", "AWS::EC2::LaunchTemplate", "AWS::AutoScaling::LaunchConfiguration")


@check("instance-types", title="The EC2 instance types are offered in the region's zones")
def instance_types(account: Account, assembly: Assembly) -> Iterator[Answer]:
    wanted: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for region, resources in account.by_region(assembly, *INSTANCES).items():
        for resource in resources:
            template = resource.get("LaunchTemplateData") if resource.type.endswith("Template") else resource.get()
            name = text(template.get("InstanceType"))
            if name:
                wanted[region][name] |= _placed(resource)

    def in_region(region: str) -> Iterator[Answer]:
        found = account.every(
            "ec2",
            "DescribeInstanceTypeOfferings",
            "InstanceTypeOfferings",
            region=region,
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": sorted(wanted[region])}],
        )
        offered: dict[str, set[str]] = defaultdict(set)
        for offering in found:
            offered[str(offering.get("InstanceType"))].add(str(offering.get("Location")))
        for name, zones in sorted(wanted[region].items()):
            missing = sorted(zones - offered[name])
            if missing or not offered[name]:
                yield failed(
                    f"{region} {name}",
                    f"not in {', '.join(missing) or region}, but in {', '.join(sorted(offered[name])) or 'no zone'}",
                    remedy="choose another type or other zones",
                )
            else:
                yield passed(f"{region} {name}", ", ".join(sorted(zones or offered[name])))

    yield from account.each([region for region in sorted(wanted) if wanted[region]], in_region)


def _placed(resource: Resource) -> set[str]:
    """Zones that an instance, or the groups that use a launch template, are put into."""
    if resource.type == "AWS::EC2::Instance":
        zone = text(resource.get("AvailabilityZone"))
        return {zone} if zone else zones_of(resource.get("SubnetId"))
    zones = set()
    for group in resource.referrers:
        if group.type == "AWS::AutoScaling::AutoScalingGroup":
            zones |= zones_of(group.get("VPCZoneIdentifier")) | set(strings(group.get("AvailabilityZones")))
    return zones


@check("endpoint-services", title="The VPC endpoint services exist in the zones of their subnets")
def endpoint_services(account: Account, assembly: Assembly) -> Iterator[Answer]:
    endpoints = {
        region: [endpoint for endpoint in found if text(endpoint.get("ServiceName"))]
        for region, found in account.by_region(assembly, "AWS::EC2::VPCEndpoint").items()
    }

    def one(item: tuple[str, Resource]) -> Iterator[Answer]:
        region, endpoint = item
        name = text(endpoint.get("ServiceName")) or ""
        found = account.every(
            "ec2",
            "DescribeVpcEndpointServices",
            "ServiceDetails",
            region=region,
            absent=("InvalidServiceName",),
            ServiceNames=[name],
        )
        if not found:
            yield failed(f"{region} {name}", "no such endpoint service here", remedy="correct its name, or its region")
            return
        offered = {zone for service in found for zone in service.get("AvailabilityZones", [])}
        zones = zones_of(endpoint.get("SubnetIds"))
        missing = sorted(zones - offered)
        if missing:
            yield failed(
                f"{region} {name}",
                f"not in {', '.join(missing)}; offered in {', '.join(sorted(offered))}",
                remedy="leave out the subnets of these zones",
            )
        else:
            yield passed(f"{region} {name}", ", ".join(sorted(zones)) or "offered")

    items = [(region, endpoint) for region, found in endpoints.items() for endpoint in found]
    yield from account.each(items, one, subject=lambda item: f"{item[0]} {text(item[1].get('ServiceName'))}")
