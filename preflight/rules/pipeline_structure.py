"""CodePipeline: regions and artifact stores, what stands in the first stage, what each action provider needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.pipelines import PIPELINE, actions, provider, stages, triggers
from preflight.values import Node, entries, is_unknown, text

STRUCTURE_SOURCE = "https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html"

# The categories under which each provider of AWS is published; a provider that is not listed is not judged.
CATEGORIES = {
    "AppConfig": {"Deploy"},
    "CloudFormation": {"Deploy"},
    "CloudFormationStackInstances": {"Deploy"},
    "CloudFormationStackSet": {"Deploy"},
    "CodeBuild": {"Build", "Test"},
    "CodeCommit": {"Source"},
    "CodeDeploy": {"Deploy"},
    "CodeDeployToECS": {"Deploy"},
    "CodeStarSourceConnection": {"Source"},
    "DeviceFarm": {"Test"},
    "ECR": {"Source"},
    "ECRBuildAndPublish": {"Build"},
    "ECS": {"Deploy"},
    "EKS": {"Deploy"},
    "ElasticBeanstalk": {"Deploy"},
    "Manual": {"Approval"},
    "ServiceCatalog": {"Deploy"},
    "StepFunctions": {"Invoke"},
}
# What CreatePipeline asks for: "Action configuration for action … is missing required configuration …".
REQUIRED = {
    ("Source", "S3"): ("S3Bucket", "S3ObjectKey"),
    ("Source", "ECR"): ("RepositoryName",),
    ("Source", "CodeCommit"): ("RepositoryName", "BranchName"),
    ("Source", "CodeStarSourceConnection"): ("ConnectionArn", "FullRepositoryId", "BranchName"),
    ("Build", "CodeBuild"): ("ProjectName",),
    ("Test", "CodeBuild"): ("ProjectName",),
    ("Deploy", "S3"): ("BucketName", "Extract"),
    ("Deploy", "CodeDeploy"): ("ApplicationName", "DeploymentGroupName"),
    ("Deploy", "CloudFormation"): ("ActionMode", "StackName"),
    ("Deploy", "ECS"): ("ClusterName", "ServiceName"),
    ("Deploy", "ElasticBeanstalk"): ("ApplicationName", "EnvironmentName"),
    ("Invoke", "Lambda"): ("FunctionName",),
    ("Invoke", "StepFunctions"): ("StateMachineArn",),
}


def category(action: Node) -> str | None:
    return text(action.get("ActionTypeId", "Category"))


@rule(
    "PIPE-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A pipeline has an artifact store in its own region and in each region where it acts",
    otherwise="CodePipeline answers that the pipeline must have an artifact store for each region with an action.",
    remedy="Use ArtifactStores with one entry for the pipeline's region and one for each action's region.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-cross-region.html",
    types=PIPELINE,
)
def artifact_stores(pipeline: Resource) -> Iterator[Fault]:
    several = pipeline.get("ArtifactStores")
    single = pipeline.get("ArtifactStore")
    if not several.absent and not single.absent:
        yield Fault(at=str(several), message="ArtifactStores together with ArtifactStore")
        return
    if several.absent and single.absent:
        yield Fault(at="ArtifactStore", message="neither ArtifactStore nor ArtifactStores")
        return
    home = pipeline.stack.region
    stores = [text(store.get("Region")) for store in entries(several)]
    if is_unknown(several) or None in stores:
        return
    covered: set[str | None] = set(stores) if not several.absent else {home}
    if home is not None and home not in covered:
        yield Fault(at=str(several), message=f"no artifact store in {home}, where the pipeline is")
    for action in actions(pipeline):
        region = text(action.get("Region"))
        if region is None or region in covered or None in covered:
            continue
        yield Fault(at=action.path("Region"), message=f"acts in {region} without an artifact store there")


@rule(
    "PIPE-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Source actions stand in the first stage, nothing else does, and something else follows",
    otherwise="CodePipeline answers that a pipeline starts with a stage that only contains source actions.",
    remedy="Move source actions into the first stage and everything else behind it.",
    source=STRUCTURE_SOURCE,
    types=PIPELINE,
)
def source_stage(pipeline: Resource) -> Iterator[Fault]:
    listed = stages(pipeline)
    if len(listed) == 1 and not is_unknown(listed[0]) and not is_unknown(pipeline.get("Stages")):
        yield Fault(at="Stages", message="a pipeline has two stages or more")
    for position, stage in enumerate(listed):
        for action in entries(stage.get("Actions")):
            kind = category(action)
            if kind is not None and (kind == "Source") != (position == 0):
                where = "in the first stage" if position == 0 else "behind the first stage"
                yield Fault(at=action.path("ActionTypeId", "Category"), message=f"an action of category {kind} {where}")


@rule(
    "PIPE-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An action has a category that its provider is published under, and its required configuration",
    otherwise="CodePipeline does not know the action type, or misses a required configuration, and refuses it.",
    remedy="Follow the action's structure reference.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-valid-providers.html",
    types=PIPELINE,
)
def action_type(pipeline: Resource) -> Iterator[Fault]:
    for action in actions(pipeline):
        name, kind = provider(action), category(action)
        owner = text(action.get("ActionTypeId", "Owner"))
        if name is None or kind is None or owner == "Custom":
            continue
        if kind not in CATEGORIES.get(name, {kind}):
            yield Fault(at=action.path("ActionTypeId"), message=f"the provider {name} under the category {kind}")
            continue
        configuration = action.get("Configuration")
        if is_unknown(configuration):
            continue
        for key in REQUIRED.get((kind, name), ()):
            if configuration.get(key).absent:
                yield Fault(at=str(configuration), message=f"{kind} by {name} needs {key}")


@rule(
    "PIPE-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="Only manual approvals take TimeoutInMinutes",
    otherwise="CodePipeline refuses the action declaration.",
    remedy="Leave TimeoutInMinutes away; a build's own timeout is in the CodeBuild project.",
    source="https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ActionDeclaration.html",
    types=PIPELINE,
)
def timeout_of_an_action(pipeline: Resource) -> Iterator[Fault]:
    for action in actions(pipeline):
        kind = category(action)
        if kind not in {"Approval", None} and not action.get("TimeoutInMinutes").absent:
            yield Fault(at=action.path("TimeoutInMinutes"), message=f"a timeout for an action of category {kind}")


# How many of each a pipeline may have; none of these quotas can be raised.
STAGES = 50
FILTERS = 3
PATTERNS = 8


@rule(
    "PIPE-205",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A pipeline has at most 50 stages, three filters of a kind in a trigger and eight patterns in a filter",
    otherwise="CodePipeline refuses the pipeline.",
    remedy="Split the pipeline; join patterns with wildcards. Names of pipeline variables are used once.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html",
    types=PIPELINE,
)
def quotas(pipeline: Resource) -> Iterator[Fault]:
    if len(stages(pipeline)) > STAGES:
        yield Fault(at="Stages", message=f"{len(stages(pipeline))} stages")
    for git in triggers(pipeline):
        for kind in ("Push", "PullRequest"):
            filters = entries(git.get(kind))
            if len(filters) > FILTERS:
                yield Fault(at=git.path(kind), message=f"{len(filters)} filters")
            for one in filters:
                for what in ("Branches", "FilePaths", "Tags"):
                    for which in ("Includes", "Excludes"):
                        patterns = entries(one.get(what, which))
                        if len(patterns) > PATTERNS:
                            yield Fault(at=one.path(what, which), message=f"{len(patterns)} patterns")
    names = Counter(text(variable.get("Name")) for variable in entries(pipeline.get("Variables")))
    for name, count in names.items():
        if name is not None and count > 1:
            yield Fault(at="Variables", message=f"{name} is declared {count} times")
