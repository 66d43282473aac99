"""Service-linked roles: a service makes its own on first use, and that first use often fails for want of it."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.assembly import Assembly
from preflight.values import text

# The types that need the role, the service, the role. Only services whose first use is known to fail without it:
# others make theirs in good time.
ROLES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::ECS::CapacityProvider"), "ecs", "AWSServiceRoleForECS"),
    (("AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::RDS::DBProxy"), "rds", "AWSServiceRoleForRDS"),
    (
        ("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ServerlessCache"),
        "elasticache",
        "AWSServiceRoleForElastiCache",
    ),
    (
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer"),
        "elasticloadbalancing",
        "AWSServiceRoleForElasticLoadBalancing",
    ),
)
SCALING = "AWS::ApplicationAutoScaling::ScalableTarget"
SEARCH = "AWS::OpenSearchService::Domain"


@check("service-linked-roles", title="The services' own roles exist", constraints=(138,))
def service_linked_roles(account: Account, assembly: Assembly) -> Iterator[Answer]:
    needed = {role: service for types, service, role in ROLES if account.of_type(assembly, *types)}
    if any(text(target.get("ServiceNamespace")) == "ecs" for target in account.of_type(assembly, SCALING)):
        needed["AWSServiceRoleForApplicationAutoScaling_ECSService"] = "ecs.application-autoscaling"
    # A domain inside a VPC is refused without its role; OpenSearch does not make it by itself.
    if any(not domain.get("VPCOptions").absent for domain in account.of_type(assembly, SEARCH)):
        needed["AWSServiceRoleForAmazonOpenSearchService"] = "opensearchservice"
    if not needed:
        return
    roles = account.every(
        "iam", "ListRoles", "Roles", region=account.regions(assembly)[0], PathPrefix="/aws-service-role/"
    )
    present = {role["RoleName"] for role in roles}
    for role, service in sorted(needed.items()):
        if role in present:
            yield passed(role, "exists")
        else:
            yield failed(
                role,
                "not there; the first deploy that needs it can fail while the service makes it",
                remedy=f"aws iam create-service-linked-role --aws-service-name {service}.amazonaws.com",
            )
