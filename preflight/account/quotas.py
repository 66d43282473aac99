"""Quotas that are a number of things in a region: as many as there are, and as many as the stacks add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from preflight.account.answer import Answer, unchecked
from preflight.account.api import Account
from preflight.account.quota import compare, increase, quota
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import integer, text


@dataclass(frozen=True, kw_only=True)
class Counted:
    type: str
    unit: str
    service: str
    code: str
    list_service: str
    list_operation: str
    list_key: str
    only: Callable[[Resource], bool] = lambda _: True
    arguments: tuple[tuple[str, Any], ...] = ()


COUNTED = (
    Counted(
        type="AWS::EC2::VPC",
        unit="VPCs",
        service="vpc",
        code="L-F678F1CE",
        list_service="ec2",
        list_operation="DescribeVpcs",
        list_key="Vpcs",
    ),
    Counted(
        type="AWS::EC2::EIP",
        unit="Elastic IP addresses",
        service="ec2",
        code="L-0263D0A3",
        list_service="ec2",
        list_operation="DescribeAddresses",
        list_key="Addresses",
    ),
    Counted(
        type="AWS::EC2::InternetGateway",
        unit="internet gateways",
        service="vpc",
        code="L-A4707A72",
        list_service="ec2",
        list_operation="DescribeInternetGateways",
        list_key="InternetGateways",
    ),
    Counted(
        type="AWS::EC2::VPCEndpoint",
        unit="gateway endpoints",
        service="vpc",
        code="L-1B52E74A",
        list_service="ec2",
        list_operation="DescribeVpcEndpoints",
        list_key="VpcEndpoints",
        only=lambda endpoint: (
            endpoint.get("VpcEndpointType").absent or text(endpoint.get("VpcEndpointType")) == "Gateway"
        ),
        arguments=(("Filters", [{"Name": "vpc-endpoint-type", "Values": ["Gateway"]}]),),
    ),
)


@check("quota-network", title="VPCs, addresses and gateways fit into the region's quotas", constraints=(49,))
def network(account: Account, assembly: Assembly) -> Iterator[Answer]:
    questions = []
    for counted in COUNTED:
        for region, resources in account.by_region(assembly, counted.type).items():
            wanted = [resource for resource in resources if counted.only(resource)]
            if wanted:
                questions.append((counted, region, wanted))

    def one(item: tuple[Counted, str, list[Resource]]) -> Iterator[Answer]:
        counted, region, wanted = item
        new = sum(account.physical(resource) is None for resource in wanted)
        there = account.every(
            counted.list_service,
            counted.list_operation,
            counted.list_key,
            region=region,
            **dict(counted.arguments),
        )
        limit = quota(account, region, counted.service, counted.code)
        yield compare(
            f"{region} {counted.unit}",
            needed=new,
            in_use=len(there),
            limit=limit.value,
            unit=counted.unit,
            remedy=increase(region, counted.service, counted.code, len(there) + new),
        )

    yield from account.each(questions, one, subject=lambda item: f"{item[1]} {item[0].unit}")


RDS_QUOTAS = {
    "AWS::RDS::DBInstance": "DBInstances",
    "AWS::RDS::DBCluster": "DBClusters",
    "AWS::RDS::DBParameterGroup": "DBParameterGroups",
    "AWS::RDS::DBClusterParameterGroup": "DBClusterParameterGroups",
    "AWS::RDS::DBSubnetGroup": "DBSubnetGroups",
    "AWS::RDS::OptionGroup": "OptionGroups",
    "AWS::RDS::EventSubscription": "EventSubscriptions",
}


@check("quota-rds", title="Databases and their groups fit into the region's quotas", constraints=(49,))
def databases(account: Account, assembly: Assembly) -> Iterator[Answer]:
    wanted = account.by_region(assembly, *RDS_QUOTAS)

    def in_region(region: str) -> Iterator[Answer]:
        new = Counter[str]()
        for resource in wanted[region]:
            if account.physical(resource) is None:
                new[RDS_QUOTAS[resource.type]] += 1
                if resource.type == "AWS::RDS::DBInstance":
                    new["AllocatedStorage"] += integer(resource.get("AllocatedStorage")) or 0
        quotas = {
            found["AccountQuotaName"]: found
            for found in account.every("rds", "DescribeAccountAttributes", "AccountQuotas", region=region)
        }
        for name, count in sorted(new.items()):
            if name not in quotas:
                yield unchecked(f"{region} {name}", "RDS names no such quota")
                continue
            yield compare(
                f"{region} {name}",
                needed=count,
                in_use=quotas[name].get("Used", 0),
                limit=quotas[name].get("Max", 0),
                unit="GiB" if name == "AllocatedStorage" else name,
                remedy=f"ask for more {name} in the Service Quotas console of {region}, service Amazon RDS",
            )

    yield from account.each(sorted(wanted), in_region)


IAM_QUOTAS = {
    "AWS::IAM::Role": "Roles",
    "AWS::IAM::ManagedPolicy": "Policies",
    "AWS::IAM::InstanceProfile": "InstanceProfiles",
    "AWS::IAM::User": "Users",
    "AWS::IAM::Group": "Groups",
}


@check("quota-iam", title="Roles and policies fit into the account's quotas")
def identities(account: Account, assembly: Assembly) -> Iterator[Answer]:
    new = Counter(
        IAM_QUOTAS[resource.type]
        for resource in account.of_type(assembly, *IAM_QUOTAS)
        if account.physical(resource) is None
    )
    if not new:
        return
    found = account.ask("iam", "GetAccountSummary", region=account.regions(assembly)[0]) or {}
    summary = found.get("SummaryMap", {})
    for name, count in sorted(new.items()):
        if f"{name}Quota" not in summary:
            yield unchecked(name, "IAM names no such quota")
            continue
        yield compare(
            name,
            needed=count,
            in_use=summary.get(name, 0),
            limit=summary[f"{name}Quota"],
            unit=name.lower(),
            remedy=f"remove unused {name.lower()}, or ask for more in the Service Quotas console, service IAM",
        )


@check("quota-log-policies", title="Log resource policies fit into the ten of a region", constraints=(108,))
def log_policies(account: Account, assembly: Assembly) -> Iterator[Answer]:
    wanted = account.by_region(assembly, "AWS::Logs::ResourcePolicy")

    def in_region(region: str) -> Iterator[Answer]:
        new = sum(account.physical(resource) is None for resource in wanted[region])
        there = account.every("logs", "DescribeResourcePolicies", "resourcePolicies", region=region)
        of_account = [policy for policy in there if policy.get("policyScope", "ACCOUNT") == "ACCOUNT"]
        yield compare(
            region,
            needed=new,
            in_use=len(of_account),
            limit=LOG_POLICIES,
            unit="resource policies",
            remedy="let several log groups share one policy; the quota cannot be raised: "
            "aws logs describe-resource-policies shows which are no longer needed",
        )

    yield from account.each(sorted(wanted), in_region)


LOG_POLICIES = 10
"""Per region and account, from PutResourcePolicy's documentation."""
