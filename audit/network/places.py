"""What of a template has an address: load balancers, tasks, functions, databases, caches, endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from audit.access.names import construct, text_of
from audit.network.groups import group_path, listening_port
from audit.network.model import INTERNET, Kind, Place, Zone
from audit.network.subnets import Subnets
from preflight.assembly import Assembly, Resource
from preflight.values import Node, Reference, Text, boolean, entries, integer, target


def places(assembly: Assembly, subnets: Subnets) -> tuple[Place, ...]:
    """The internet first, then by kind. Groups that nothing in the templates carries are places of their own: somebody
    starts tasks with them."""
    found = [
        INTERNET,
        *_distributions(assembly),
        *_load_balancers(assembly, subnets),
        *_services(assembly, subnets),
        *_functions(assembly, subnets),
        *_databases(assembly, subnets),
        *_caches(assembly, subnets),
        *_endpoints(assembly, subnets),
        *_instances(assembly, subnets),
    ]
    return (*found, *_loose_groups(assembly, found, subnets))


def _distributions(assembly: Assembly) -> Iterator[Place]:
    for one in assembly.of_type("AWS::CloudFront::Distribution"):
        yield Place(
            path=construct(one),
            type=one.type,
            kind=Kind.CDN,
            zone=Zone.EDGE,
            listens=(80, 443),
            public_address=True,
            details=_firewall(target(one.get("DistributionConfig", "WebACLId"), "AWS::WAFv2::WebACL")),
        )


def _load_balancers(assembly: Assembly, subnets: Subnets) -> Iterator[Place]:
    acls = {}
    for one in assembly.of_type("AWS::WAFv2::WebACLAssociation"):
        balancer = target(one.get("ResourceArn"), "AWS::ElasticLoadBalancingV2::LoadBalancer")
        if balancer is not None:
            acls[balancer] = target(one.get("WebACLArn"), "AWS::WAFv2::WebACL")
    ports: dict[Resource, list[int]] = {}
    for listener in assembly.of_type("AWS::ElasticLoadBalancingV2::Listener"):
        balancer = target(listener.get("LoadBalancerArn"), "AWS::ElasticLoadBalancingV2::LoadBalancer")
        if balancer is not None:
            ports.setdefault(balancer, []).append(integer(listener.get("Port")) or 0)
    for one in assembly.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        yield _place(
            one,
            Kind.LOAD_BALANCER,
            subnets,
            groups=one.get("SecurityGroups"),
            within=one.get("Subnets"),
            listens=ports.get(one, []),
            public=text_of(one.get("Scheme").value) != "internal",
            details=_firewall(acls.get(one)),
        )


def _services(assembly: Assembly, subnets: Subnets) -> Iterator[Place]:
    for one in assembly.of_type("AWS::ECS::Service"):
        network = one.get("NetworkConfiguration", "AwsvpcConfiguration")
        definition = target(one.get("TaskDefinition"), "AWS::ECS::TaskDefinition")
        yield _place(
            one,
            Kind.TASKS,
            subnets,
            groups=network.get("SecurityGroups"),
            within=network.get("Subnets"),
            listens=_container_ports(definition),
            public=text_of(network.get("AssignPublicIp").value) == "ENABLED",
            parts=_containers(definition),
        )


def _functions(assembly: Assembly, subnets: Subnets) -> Iterator[Place]:
    for one in assembly.of_type("AWS::Lambda::Function"):
        within = one.get("VpcConfig")
        if not within.absent:
            yield _place(
                one, Kind.FUNCTION, subnets, groups=within.get("SecurityGroupIds"), within=within.get("SubnetIds")
            )
    for one in assembly.of_type("AWS::SecretsManager::RotationSchedule"):
        # The function that Secrets Manager's own template would make: it is in no template of the assembly.
        hosted = one.get("HostedRotationLambda")
        if not hosted.get("VpcSubnetIds").absent:
            yield Place(
                path=construct(one),
                type="AWS::Lambda::Function",
                kind=Kind.FUNCTION,
                zone=_zone(_subnets_in(hosted.get("VpcSubnetIds").value), subnets),
                groups=tuple(_named(hosted.get("VpcSecurityGroupIds").value)),
                subnets=tuple(_subnets_in(hosted.get("VpcSubnetIds").value)),
                details=("rotates the secret",),
            )


def _databases(assembly: Assembly, subnets: Subnets) -> Iterator[Place]:
    for one in assembly.of_type("AWS::RDS::DBInstance"):
        group = target(one.get("DBSubnetGroupName"), "AWS::RDS::DBSubnetGroup")
        source = target(one.get("SourceDBInstanceIdentifier"), "AWS::RDS::DBInstance")
        if group is None and source is not None:
            group = target(source.get("DBSubnetGroupName"), "AWS::RDS::DBSubnetGroup")
        yield _place(
            one,
            Kind.DATABASE,
            subnets,
            groups=one.get("VPCSecurityGroups"),
            within=group.get("SubnetIds") if group else None,
            listens=[listening_port(one, 5432)],
            public=boolean(one.get("PubliclyAccessible")) is True,
            details=("read replica",) if source is not None else (),
        )


def _caches(assembly: Assembly, subnets: Subnets) -> Iterator[Place]:
    for one in assembly.of_type("AWS::ElastiCache::ReplicationGroup"):
        group = target(one.get("CacheSubnetGroupName"), "AWS::ElastiCache::SubnetGroup")
        yield _place(
            one,
            Kind.CACHE,
            subnets,
            groups=one.get("SecurityGroupIds"),
            within=group.get("SubnetIds") if group else None,
            listens=[listening_port(one, 6379)],
        )


def _endpoints(assembly: Assembly, subnets: Subnets) -> Iterator[Place]:
    for one in assembly.of_type("AWS::EC2::VPCEndpoint"):
        if text_of(one.get("VpcEndpointType").value) == "Interface":
            yield _place(
                one,
                Kind.ENDPOINT,
                subnets,
                groups=one.get("SecurityGroupIds"),
                within=one.get("SubnetIds"),
                listens=[443],
                details=(text_of(one.get("ServiceName").value),),
            )


def _instances(assembly: Assembly, subnets: Subnets) -> Iterator[Place]:
    for one in assembly.of_type("AWS::EC2::Instance"):
        yield _place(
            one,
            Kind.OTHER,
            subnets,
            groups=one.get("SecurityGroupIds"),
            within=one.get("SubnetId"),
            listens=range(1, 65536),
            public=True,
        )
    for one in assembly.of_type("AWS::Lambda::Url"):
        if text_of(one.get("AuthType").value) == "NONE":
            yield Place(
                path=construct(one),
                type=one.type,
                kind=Kind.OTHER,
                zone=Zone.EDGE,
                listens=(443,),
                public_address=True,
                details=("anybody may call it",),
            )


def _loose_groups(assembly: Assembly, found: Iterable[Place], subnets: Subnets) -> Iterator[Place]:
    carried = {group for place in found for group in place.groups}
    private = tuple(path for path, one in subnets.by_path.items() if one.zone is Zone.PRIVATE)
    for one in assembly.of_type("AWS::EC2::SecurityGroup"):
        if construct(one) not in carried:
            yield Place(
                path=construct(one),
                type=one.type,
                kind=Kind.TASKS,
                zone=Zone.PRIVATE,
                groups=(construct(one),),
                subnets=private or tuple(subnets.by_path),
                details=("started with this group",),
            )


def _place(
    resource: Resource,
    kind: Kind,
    subnets: Subnets,
    *,
    groups: Node,
    within: Node | None,
    listens: Iterable[int] = (),
    public: bool = False,
    parts: tuple[str, ...] = (),
    details: tuple[str, ...] = (),
) -> Place:
    paths = tuple(construct(one) for one in _targets(within, "AWS::EC2::Subnet"))
    return Place(
        path=construct(resource),
        type=resource.type,
        kind=kind,
        zone=_zone(paths, subnets),
        listens=tuple(listens),
        groups=tuple(group_path(entry.value) for entry in entries(groups)),
        subnets=paths,
        public_address=public,
        parts=parts,
        details=details,
    )


def _zone(paths: Iterable[str], subnets: Subnets) -> Zone:
    """The most open of its subnets' zones."""
    zones = {one.zone for one in subnets.at(tuple(paths))}
    return next((zone for zone in (Zone.PUBLIC, Zone.PRIVATE, Zone.ISOLATED) if zone in zones), Zone.OUTSIDE)


def _targets(node: Node | None, kind: str) -> Iterator[Resource]:
    for entry in entries(node):
        found = target(entry, kind)
        if found is not None:
            yield found


def _subnets_in(value: Any) -> list[str]:
    references = value.references if isinstance(value, Text) else [value] if isinstance(value, Reference) else []
    return [construct(one.resource) for one in references]


def _named(value: Any) -> Iterator[str]:
    for part in value.references if isinstance(value, Text) else [value]:
        yield group_path(part)


def _containers(definition: Resource | None) -> tuple[str, ...]:
    """Names, with the ports that each listens on: containers of a task reach each other's by the loopback address."""
    if definition is None:
        return ()
    found = []
    for one in entries(definition.get("ContainerDefinitions")):
        ports = [text_of(mapping.get("ContainerPort").value) for mapping in entries(one.get("PortMappings"))]
        found.append(" :".join([text_of(one.get("Name").value), *ports]))
    return tuple(reversed(found))


def _container_ports(definition: Resource | None) -> list[int]:
    if definition is None:
        return []
    return [
        port
        for container in entries(definition.get("ContainerDefinitions"))
        for mapping in entries(container.get("PortMappings"))
        if (port := integer(mapping.get("ContainerPort")))
    ]


def _firewall(acl: Resource | None) -> tuple[str, ...]:
    if acl is None:
        return ()
    return (f"WAF, {len(entries(acl.get('Rules')))} rules",)
