"""Names that the stacks fix themselves: free, or already held by the very resource that has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account, UnansweredError
from preflight.account.lookups import LOOKUPS, Lookup
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.names import name_keys
from preflight.references import stack_references
from preflight.values import strings, text

NAMED_ELSEWHERE = {"AWS::ECR::PullThroughCacheRule": ("EcrRepositoryPrefix",)}
WAF = {
    "AWS::WAFv2::WebACL": ("ListWebACLs", "WebACLs"),
    "AWS::WAFv2::IPSet": ("ListIPSets", "IPSets"),
    "AWS::WAFv2::RuleGroup": ("ListRuleGroups", "RuleGroups"),
    "AWS::WAFv2::RegexPatternSet": ("ListRegexPatternSets", "RegexPatternSets"),
}


@check("names", title="The names that the stacks fix are free", constraints=(34, 90, 92, 107, 118, 133))
def names(account: Account, assembly: Assembly) -> Iterator[Answer]:
    wanted: dict[tuple[str, str], list[tuple[Resource, str]]] = defaultdict(list)
    for region, resources in account.by_region(assembly, *LOOKUPS, *WAF).items():
        for resource in resources:
            name = text(resource.get(*(NAMED_ELSEWHERE.get(resource.type) or name_keys(resource.type))))
            if name:
                wanted[region, resource.type].append((resource, name))

    def of_type(item: tuple[str, str]) -> Iterator[Answer]:
        region, kind = item
        free = ours = 0
        for resource, name in wanted[item]:
            if holds(account, resource, name):
                ours += 1
                continue
            taken = _lookup(resource).taken(account, region, name)
            if taken is None:
                free += 1
            else:
                yield failed(f"{region} {name}", f"{taken}: {resource.construct_path} cannot be created", remedy=TAKEN)
        if free or ours:
            yield passed(f"{region} {kind}", f"{free} names free, {ours} held by these stacks")

    yield from account.each(sorted(wanted), of_type, subject=lambda item: f"{item[0]} {item[1]}")


TAKEN = (
    "delete what holds the name (perhaps retained by an earlier stack), import it into the stack (cdk import), "
    "or choose another name"
)


def holds(account: Account, resource: Resource, name: str) -> bool:
    """Whether the resource is deployed and has the name already; physical ids are names, or ARNs that contain them."""
    physical = account.physical(resource)
    return physical is not None and name.lower() in physical.lower()


def _lookup(resource: Resource) -> Lookup:
    if resource.type not in WAF:
        return LOOKUPS[resource.type]
    operation, key = WAF[resource.type]
    scope = text(resource.get("Scope")) or "REGIONAL"
    return Lookup(
        service="wafv2", operation=operation, arguments=lambda *_: {"Scope": scope, "Limit": 100}, key=key, name="Name"
    )


@check("buckets", title="The bucket names are free in all of AWS", constraints=(133,))
def buckets(account: Account, assembly: Assembly) -> Iterator[Answer]:
    named = [
        (region, bucket, name)
        for region, found in account.by_region(assembly, "AWS::S3::Bucket").items()
        for bucket in found
        if (name := text(bucket.get("BucketName")))
    ]

    def one(item: tuple[str, Resource, str]) -> Iterator[Answer]:
        region, bucket, name = item
        if holds(account, bucket, name):
            yield passed(name, "held by these stacks")
            return
        try:
            found = account.ask("s3", "HeadBucket", region=region, absent=("404", "NoSuchBucket"), Bucket=name)
        except UnansweredError as error:
            # S3 says 404 of a bucket that is not there to everybody, so that 403 means that somebody has it.
            if error.code not in ("403", "301"):
                raise
            yield failed(name, "taken, in another account or behind a policy", remedy="choose another name")
            return
        if found is None:
            yield passed(name, "free")
        else:
            yield failed(name, "exists in this account, outside of these stacks", remedy=TAKEN)

    yield from account.each(named, one, subject=lambda item: item[2])


@check("secrets", title="No secret's name is held by one that waits to be deleted", constraints=(92,))
def secrets(account: Account, assembly: Assembly) -> Iterator[Answer]:
    named = [
        (region, secret, name)
        for region, found in account.by_region(assembly, "AWS::SecretsManager::Secret").items()
        for secret in found
        if (name := text(secret.get("Name")))
    ]

    def one(item: tuple[str, Resource, str]) -> Iterator[Answer]:
        region, _, name = item
        found = account.ask(
            "secretsmanager", "DescribeSecret", region=region, absent=("ResourceNotFoundException",), SecretId=name
        )
        if found is not None and found.get("DeletedDate") is not None:
            yield failed(
                f"{region} {name}",
                f"deleted on {found['DeletedDate']:%Y-%m-%d}; the name is held until the recovery window ends",
                remedy=f"aws secretsmanager restore-secret --region {region} --secret-id {name} and import it, "
                "or delete-secret --force-delete-without-recovery",
            )
        else:
            yield passed(f"{region} {name}", "not waiting to be deleted")

    yield from account.each(named, one, subject=lambda item: f"{item[0]} {item[2]}")


@check("cdn-aliases", title="No other distribution of the account has the CDN's names", constraints=(90,))
def aliases(account: Account, assembly: Assembly) -> Iterator[Answer]:
    for distribution in account.of_type(assembly, "AWS::CloudFront::Distribution"):
        wanted = set(strings(distribution.get("DistributionConfig", "Aliases")))
        if not wanted:
            continue
        found = account.every(
            "cloudfront", "ListDistributions", "DistributionList.Items", region=account.region(distribution.stack)
        )
        own = account.physical(distribution)
        others = {
            alias: other.get("Id", "")
            for other in found
            if other.get("Id") != own
            for alias in other.get("Aliases", {}).get("Items", [])
        }
        for alias in sorted(wanted):
            if alias in others:
                yield failed(
                    alias,
                    f"distribution {others[alias]} has it: CNAMEAlreadyExists",
                    remedy="take the name off that distribution first (aws cloudfront associate-alias moves it)",
                )
            else:
                yield passed(alias, "no other distribution of this account has it")


@check("dns-records", title="The DNS records do not exist yet")
def records(account: Account, assembly: Assembly) -> Iterator[Answer]:
    wanted = []
    for resource in account.of_type(assembly, "AWS::Route53::RecordSet"):
        zone, name, kind = (text(resource.get(key)) for key in ("HostedZoneId", "Name", "Type"))
        if zone and name and kind and account.physical(resource) is None:
            wanted.append((resource, zone, f"{name.rstrip('.').lower()}.", kind))

    def one(item: tuple[Resource, str, str, str]) -> Iterator[Answer]:
        resource, zone, name, kind = item
        found = account.ask(
            "route53",
            "ListResourceRecordSets",
            region=account.region(resource.stack),
            absent=("NoSuchHostedZone",),
            HostedZoneId=zone,
            StartRecordName=name,
            StartRecordType=kind,
        )
        identifier = text(resource.get("SetIdentifier"))
        taken = any(
            record.get("Name", "").replace("\\052", "*") == name
            and record.get("Type") == kind
            and record.get("SetIdentifier") == identifier
            for record in (found or {}).get("ResourceRecordSets", [])
        )
        if taken:
            yield failed(f"{name} {kind}", "exists, outside of these stacks", remedy="delete the record first")
        else:
            yield passed(f"{name} {kind}", "free")

    yield from account.each(wanted, one, subject=lambda item: f"{item[2]} {item[3]}")


@check("exports", title="The exports are free, and what is imported is exported")
def exports(account: Account, assembly: Assembly) -> Iterator[Answer]:
    made: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for (name, _), (stack, _output) in assembly.exports.items():
        if stack in account.stacks(assembly):
            made[account.region(stack)].add((name, stack.name))
    imported: dict[str, dict[str, str]] = defaultdict(dict)
    for stack in account.stacks(assembly):
        for argument in stack_references(stack.template.get("Resources")).imports:
            name = stack.resolver.resolve(argument)
            if isinstance(name, str):
                imported[account.region(stack)][name] = stack.name

    def in_region(region: str) -> Iterator[Answer]:
        there = {
            found.get("Name", ""): str(found.get("ExportingStackId", "")).split("/")[1:2]
            for found in account.every("cloudformation", "ListExports", "Exports", region=region)
        }
        for name, stack in sorted(made[region]):
            if name in there and there[name] != [stack]:
                yield failed(
                    f"{region} {name}",
                    f"exported by {''.join(there[name])} already: {stack} is refused",
                    remedy="export under another name",
                )
        own = {name for name, _ in made[region]}
        for name, by in sorted(imported[region].items()):
            if name not in there and name not in own:
                yield failed(
                    f"{region} {name}",
                    f"imported by {by}, and exported by no stack of the account or of these",
                    remedy="deploy the stack that exports it first, or correct the name",
                )
        yield passed(region, f"{len(own)} exports and {len(imported[region])} imports looked at")

    regions = sorted(region for region in {*made, *imported} if made[region] or imported[region])
    yield from account.each(regions, in_region)
