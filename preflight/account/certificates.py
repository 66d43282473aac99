"""Certificates that the stacks name: issued, not about to end, and for the names they are to serve; hosted zones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.account.texts import literals
from preflight.assembly import Assembly
from preflight.values import entries, strings, text

ARN = re.compile(r"arn:[\w-]+:acm:(?P<region>[\w-]+):\d{12}:certificate/[\w-]+")
SOON = timedelta(days=30)
USERS = (
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerCertificate",
    "AWS::ElasticLoadBalancing::LoadBalancer",
    "AWS::CloudFront::Distribution",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::AppSync::DomainName",
    "AWS::Cognito::UserPoolDomain",
    "AWS::OpenSearchService::Domain",
)


@check("certificates", title="The certificates are issued and serve the names", constraints=(88,))
def certificates(account: Account, assembly: Assembly) -> Iterator[Answer]:
    users: dict[str, list[str]] = defaultdict(list)
    names: dict[str, set[str]] = defaultdict(set)
    for resource in account.of_type(assembly, *USERS):
        arns = {match[0] for literal in literals(resource.get()) for match in ARN.finditer(literal)}
        for arn in arns:
            users[arn].append(resource.construct_path)
            if resource.type == "AWS::CloudFront::Distribution":
                names[arn].update(strings(resource.get("DistributionConfig", "Aliases")))

    def one(arn: str) -> Iterator[Answer]:
        match = ARN.fullmatch(arn)
        region = match["region"] if match else ""
        found = account.ask(
            "acm", "DescribeCertificate", region=region, absent=("ResourceNotFoundException",), CertificateArn=arn
        )
        if found is None:
            yield failed(arn, f"not there; used by {', '.join(users[arn])}", remedy="correct the ARN")
        else:
            yield _judged(arn, found.get("Certificate", {}), names[arn])

    yield from account.each(sorted(users), one)


def _judged(arn: str, certificate: dict[str, Any], names: set[str]) -> Answer:
    status = str(certificate.get("Status", ""))
    domains = {str(certificate.get("DomainName", "")), *certificate.get("SubjectAlternativeNames", [])}
    if status != "ISSUED":
        return failed(
            arn,
            f"{status} {certificate.get('FailureReason', '')}".strip(),
            remedy="create the validation records that ACM shows, and wait until it is issued"
            if status == "PENDING_VALIDATION"
            else "request a new certificate",
        )
    ends = certificate.get("NotAfter")
    renewed = certificate.get("RenewalEligibility") == "ELIGIBLE"
    if isinstance(ends, datetime) and ends < datetime.now(UTC) + SOON and not renewed:
        return failed(
            arn, f"ends on {ends:%Y-%m-%d} and ACM does not renew it", remedy="import or request a new certificate"
        )
    uncovered = sorted(name for name in names if not any(_covers(domain, name) for domain in domains))
    if uncovered:
        return failed(
            arn,
            f"for {', '.join(sorted(domains))}, not for {', '.join(uncovered)}",
            remedy="request a certificate with these names",
        )
    return passed(arn, f"{status}, for {', '.join(sorted(domains))}")


def _covers(domain: str, name: str) -> bool:
    """A wildcard stands for exactly one label."""
    domain, name = domain.lower(), name.lower()
    return domain == name or (domain.startswith("*.") and name.partition(".")[2] == domain[2:])


ZONE_USERS = ("AWS::Route53::RecordSet", "AWS::Route53::RecordSetGroup", "AWS::CertificateManager::Certificate")


@check("hosted-zones", title="The hosted zones exist and hold the names", constraints=(88,))
def hosted_zones(account: Account, assembly: Assembly) -> Iterator[Answer]:
    """A DNS-validated certificate in a zone that is not the public one for its name waits for hours."""
    names: dict[str, set[str]] = defaultdict(set)
    validating: set[str] = set()
    region = ""
    for resource in account.of_type(assembly, *ZONE_USERS):
        region = region or account.region(resource.stack)
        if resource.type == "AWS::CertificateManager::Certificate":
            for option in entries(resource.get("DomainValidationOptions")):
                zone, name = text(option.get("HostedZoneId")), text(option.get("DomainName"))
                if zone and name:
                    names[zone].add(name)
                    validating.add(zone)
            continue
        shared = text(resource.get("HostedZoneId"))
        records = entries(resource.get("RecordSets")) if resource.type.endswith("Group") else [resource.get()]
        for record in records:
            zone, name = text(record.get("HostedZoneId")) or shared, text(record.get("Name"))
            if zone and name:
                names[zone].add(name)

    def one(zone: str) -> Iterator[Answer]:
        found = account.ask("route53", "GetHostedZone", region=region, absent=("NoSuchHostedZone",), Id=zone)
        if found is None:
            yield failed(zone, "no such hosted zone in this account", remedy="correct the id, or create the zone")
            return
        described = found.get("HostedZone", {})
        apex = str(described.get("Name", "")).rstrip(".").lower()
        outside = sorted(
            name
            for name in names[zone]
            if f".{name.rstrip('.').lower().removeprefix('*.')}".endswith(f".{apex}") is False
        )
        if outside:
            yield failed(zone, f"holds {apex}, not {', '.join(outside)}", remedy="use the zone of these names")
        elif zone in validating and described.get("Config", {}).get("PrivateZone"):
            yield failed(zone, f"{apex} is private: ACM cannot see its records", remedy="validate in the public zone")
        else:
            yield passed(zone, f"holds {', '.join(sorted(names[zone]))}")

    yield from account.each(sorted(names), one)
