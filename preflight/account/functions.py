"""Lambda's reserved concurrency, and CodeBuild's builds at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed, unchecked
from preflight.account.api import Account
from preflight.account.quota import increase, quota
from preflight.account.registry import check
from preflight.assembly import Assembly, Resource
from preflight.values import entries, integer, target, text

MUST_STAY = 100
"""Concurrency that must stay unreserved, from PutFunctionConcurrency; AWS keeps less on accounts with a small limit."""
AT_LEAST = 10
DEFAULT_LIMIT = 1000


@check("quota-lambda", title="Reserved concurrency leaves what Lambda keeps back", constraints=(124,))
def reserved_concurrency(account: Account, assembly: Assembly) -> Iterator[Answer]:
    functions = {
        region: [function for function in found if integer(function.get("ReservedConcurrentExecutions"))]
        for region, found in account.by_region(assembly, "AWS::Lambda::Function", "AWS::Serverless::Function").items()
    }

    def in_region(region: str) -> Iterator[Answer]:
        more = sum(_additional(account, region, function) for function in functions[region])
        found = account.ask("lambda", "GetAccountSettings", region=region) or {}
        limits = found.get("AccountLimit", {})
        limit = int(limits.get("ConcurrentExecutions", 0))
        unreserved = int(limits.get("UnreservedConcurrentExecutions", 0))
        left = unreserved - more
        figures = f"{more} more to reserve of {unreserved} unreserved (limit {limit}); {left} would stay"
        remedy = increase(region, "lambda", "L-B99A9384", max(DEFAULT_LIMIT, limit + more)) + ", or reserve less"
        if more <= 0 or left >= MUST_STAY:
            yield passed(region, figures)
        elif left < AT_LEAST or limit >= DEFAULT_LIMIT:
            yield failed(region, f"{figures}, {MUST_STAY} must", remedy=remedy)
        else:
            yield unchecked(
                region,
                f"{figures}; AWS keeps between {AT_LEAST} and {MUST_STAY} back on an account with so small a limit",
                remedy=remedy,
            )

    yield from account.each([region for region, found in sorted(functions.items()) if found], in_region)


def _additional(account: Account, region: str, function: Resource) -> int:
    wanted = integer(function.get("ReservedConcurrentExecutions")) or 0
    name = account.physical(function)
    if name is None:
        return wanted
    found = account.ask(
        "lambda", "GetFunctionConcurrency", region=region, absent=("ResourceNotFoundException",), FunctionName=name
    )
    return wanted - int((found or {}).get("ReservedConcurrentExecutions", 0))


PROJECT = "AWS::CodeBuild::Project"
# Service Quotas, service codebuild: "Concurrently running builds for … environment".
BUILDS = {
    ("LINUX_CONTAINER", "BUILD_GENERAL1_SMALL"): "L-9D07B6EF",
    ("LINUX_CONTAINER", "BUILD_GENERAL1_MEDIUM"): "L-2DC20C30",
    ("LINUX_CONTAINER", "BUILD_GENERAL1_LARGE"): "L-4DDC4A99",
    ("LINUX_CONTAINER", "BUILD_GENERAL1_XLARGE"): "L-04E5CA62",
    ("LINUX_CONTAINER", "BUILD_GENERAL1_2XLARGE"): "L-0397D009",
    ("LINUX_GPU_CONTAINER", "BUILD_GENERAL1_SMALL"): "L-F1FE1B52",
    ("LINUX_GPU_CONTAINER", "BUILD_GENERAL1_LARGE"): "L-D906BEE7",
    ("ARM_CONTAINER", "BUILD_GENERAL1_SMALL"): "L-5ED1D25B",
    ("ARM_CONTAINER", "BUILD_GENERAL1_LARGE"): "L-596BEAB4",
    ("WINDOWS_SERVER_2019_CONTAINER", "BUILD_GENERAL1_MEDIUM"): "L-ECF1B2A0",
    ("WINDOWS_SERVER_2019_CONTAINER", "BUILD_GENERAL1_LARGE"): "L-2C3490D7",
    ("LINUX_LAMBDA_CONTAINER", "BUILD_LAMBDA_1GB"): "L-03FBB1ED",
    ("WINDOWS_CONTAINER", "BUILD_GENERAL1_MEDIUM"): "L-B4157408",
    ("WINDOWS_CONTAINER", "BUILD_GENERAL1_LARGE"): "L-4135EDF8",
    ("LINUX_LAMBDA_CONTAINER", "BUILD_LAMBDA_2GB"): "L-1DFDD5F9",
    ("LINUX_LAMBDA_CONTAINER", "BUILD_LAMBDA_4GB"): "L-39DB2B0B",
    ("LINUX_LAMBDA_CONTAINER", "BUILD_LAMBDA_8GB"): "L-049948E0",
    ("LINUX_LAMBDA_CONTAINER", "BUILD_LAMBDA_10GB"): "L-E692F494",
    ("ARM_LAMBDA_CONTAINER", "BUILD_LAMBDA_1GB"): "L-FD92223D",
    ("ARM_LAMBDA_CONTAINER", "BUILD_LAMBDA_2GB"): "L-DE99852F",
    ("ARM_LAMBDA_CONTAINER", "BUILD_LAMBDA_4GB"): "L-72045165",
    ("ARM_LAMBDA_CONTAINER", "BUILD_LAMBDA_8GB"): "L-546A802A",
    ("ARM_LAMBDA_CONTAINER", "BUILD_LAMBDA_10GB"): "L-36AF3CA5",
}

Machine = tuple[str, str]


@check("quota-codebuild", title="CodeBuild allows as many builds at once as a pipeline starts", constraints=(123,))
def builds(account: Account, assembly: Assembly) -> Iterator[Answer]:
    needed: dict[str, dict[Machine, int]] = defaultdict(dict)
    for region, resources in account.by_region(assembly, PROJECT, "AWS::CodePipeline::Pipeline").items():
        for resource in resources:
            counts = _at_once(resource) if resource.type != PROJECT else Counter({_machine(resource): 1})
            for machine, count in counts.items():
                if machine is not None:
                    needed[region][machine] = max(needed[region].get(machine, 0), count)

    def one(item: tuple[str, Machine]) -> Iterator[Answer]:
        region, machine = item
        subject = f"{region} {machine[0]} {machine[1]}"
        if machine not in BUILDS:
            yield unchecked(subject, "no quota code is known for this machine: see Service Quotas, AWS CodeBuild")
            return
        limit = quota(account, region, "codebuild", BUILDS[machine])
        figures = f"{needed[region][machine]} builds at once needed, {limit.value:g} allowed"
        if needed[region][machine] > limit.value:
            yield failed(
                subject,
                figures,
                remedy=increase(region, "codebuild", BUILDS[machine], needed[region][machine])
                + "; on a new account AWS Support raises it",
            )
        else:
            yield passed(subject, figures)

    items = [(region, machine) for region in sorted(needed) for machine in sorted(needed[region])]
    yield from account.each(items, one, subject=lambda item: " ".join((item[0], *item[1])))


def _machine(project: Resource) -> Machine | None:
    """None for projects on a reserved fleet, which has its own capacity, and where the template does not say."""
    environment = project.get("Environment")
    if not environment.get("Fleet").absent:
        return None
    kind, size = text(environment.get("Type")), text(environment.get("ComputeType"))
    return (kind, size) if kind is not None and size is not None else None


def _at_once(pipeline: Resource) -> Counter[Machine | None]:
    """Builds that run side by side: actions of one stage with the same run order."""
    most = Counter[Machine | None]()
    for stage in entries(pipeline.get("Stages")):
        together: dict[int, Counter[Machine | None]] = defaultdict(Counter)
        for action in entries(stage.get("Actions")):
            project = target(action.get("Configuration", "ProjectName"), PROJECT)
            if project is not None and text(action.get("ActionTypeId", "Provider")) == "CodeBuild":
                together[integer(action.get("RunOrder")) or 1][_machine(project)] += 1
        for counts in together.values():
            most |= counts
    return most
