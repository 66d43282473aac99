"""CodePipeline: which features a pipeline type has, what triggers and conditions may say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.values import Node, entries, is_unknown, text

PIPELINE = ("AWS::CodePipeline::Pipeline",)
GATES = ("BeforeEntry", "OnSuccess", "OnFailure")
CONNECTION_PROVIDER = "CodeStarSourceConnection"

RULE_PROVIDERS = {
    "CloudWatchAlarm": ("AlarmName",),
    "CodeBuild": ("ProjectName",),
    "Commands": (),
    "DeploymentWindow": ("Cron",),
    "LambdaInvoke": ("FunctionName",),
    "VariableCheck": ("Variable", "Value", "Operator"),
}
# What may happen when the conditions of a gate are not met.
RESULTS = {"BeforeEntry": {"FAIL", "SKIP"}, "OnSuccess": {"FAIL", "ROLLBACK"}, "OnFailure": {"ROLLBACK"}}
V2_PROVIDERS = {"Commands", "ECRBuildAndPublish", "EKS"}

TYPES_SOURCE = "https://docs.aws.amazon.com/codepipeline/latest/userguide/pipeline-types.html"
CONDITIONS_SOURCE = "https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html"
TRIGGER_SOURCE = "https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GitConfiguration.html"


def stages(pipeline: Resource) -> list[Node]:
    return entries(pipeline.get("Stages"))


def actions(pipeline: Resource) -> Iterator[Node]:
    for stage in stages(pipeline):
        yield from entries(stage.get("Actions"))


def provider(action: Node) -> str | None:
    return text(action.get("ActionTypeId", "Provider"))


def triggers(pipeline: Resource) -> list[Node]:
    return [entry.get("GitConfiguration") for entry in entries(pipeline.get("Triggers"))]


def conditions(pipeline: Resource) -> Iterator[tuple[str, Node]]:
    for stage in stages(pipeline):
        for gate in GATES:
            for condition in entries(stage.get(gate, "Conditions")):
                yield gate, condition


def v2_features(pipeline: Resource) -> Iterator[tuple[Node, str]]:
    mode = pipeline.get("ExecutionMode")
    if text(mode) in {"QUEUED", "PARALLEL"}:
        yield mode, f"execution mode {text(mode)}"
    for name, words in (("Triggers", "triggers"), ("Variables", "pipeline variables")):
        if entries(pipeline.get(name)):
            yield pipeline.get(name), words
    for stage in stages(pipeline):
        for gate in GATES:
            if not stage.get(gate).absent:
                yield stage.get(gate), f"the stage condition {gate}"
    for action in actions(pipeline):
        if provider(action) in V2_PROVIDERS and text(action.get("ActionTypeId", "Owner")) == "AWS":
            yield action.get("ActionTypeId", "Provider"), f"the action provider {provider(action)}"


@rule(
    "PIPE-121",
    constraint=121,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Triggers, variables, queued or parallel runs and stage conditions need a pipeline of type V2",
    otherwise="CodePipeline answers InvalidStructureException: it can only be used with V2 pipelines.",
    remedy="Set PipelineType to V2.",
    source=TYPES_SOURCE,
    types=PIPELINE,
)
def v2_feature_in_v1(pipeline: Resource) -> Iterator[Fault]:
    if text(pipeline.get("PipelineType")) == "V1":
        for node, feature in v2_features(pipeline):
            yield Fault(at=str(node), message=f"{feature} in a pipeline of type V1")


@rule(
    "PIPE-121b",
    constraint=121,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A trigger names a source action of the pipeline that uses a connection",
    otherwise="CodePipeline refuses it: triggers must reference a CodeStarSourceConnection action.",
    remedy="Put the name of a CodeStarSourceConnection action into SourceActionName.",
    source="https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineTriggerDeclaration.html",
    types=PIPELINE,
)
def trigger_of_an_unknown_action(pipeline: Resource) -> Iterator[Fault]:
    names: dict[str, str | None] = {}
    for action in actions(pipeline):
        name = text(action.get("Name"))
        if name is None or is_unknown(pipeline.get("Stages")):
            return  # an action whose name is not known may be the one
        names[name] = provider(action)
    for git in triggers(pipeline):
        name = text(git.get("SourceActionName"))
        if name is None:
            continue
        if name not in names:
            yield Fault(at=git.path("SourceActionName"), message=f"no action of this pipeline is called {name}")
        elif names[name] not in {CONNECTION_PROVIDER, None}:
            yield Fault(at=git.path("SourceActionName"), message=f"the provider of {name} is {names[name]}")


@rule(
    "PIPE-121c",
    constraint=121,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A source action has one trigger at most",
    otherwise="CodePipeline refuses the pipeline.",
    remedy="Put the filters of one source action into one trigger: up to three push and three pull request filters.",
    source=TRIGGER_SOURCE,
    types=PIPELINE,
)
def two_triggers_of_one_action(pipeline: Resource) -> Iterator[Fault]:
    seen: Counter[str] = Counter()
    for git in triggers(pipeline):
        name = text(git.get("SourceActionName"))
        if name is not None:
            seen[name] += 1
            if seen[name] == 2:
                yield Fault(at=git.path("SourceActionName"), message=f"{name} has a trigger already")


@rule(
    "PIPE-121d",
    constraint=121,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A condition's rule has a provider that exists, and what that provider needs",
    otherwise="CodePipeline does not know the rule type, or misses its configuration, and refuses the pipeline.",
    remedy=f"Use one of {', '.join(RULE_PROVIDERS)}, with its required configuration.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference.html",
    types=PIPELINE,
)
def rule_provider(pipeline: Resource) -> Iterator[Fault]:
    for _, condition in conditions(pipeline):
        for entry in entries(condition.get("Rules")):
            kind = entry.get("RuleTypeId", "Provider")
            name = text(kind)
            if name is None:
                continue
            if name not in RULE_PROVIDERS:
                yield Fault(at=str(kind), message=f"there is no rule provider {name}")
                continue
            configuration = entry.get("Configuration")
            for key in RULE_PROVIDERS[name]:
                if configuration.get(key).absent and not is_unknown(configuration):
                    yield Fault(at=str(configuration), message=f"{name} needs {key}")
            if name == "Commands" and not entries(entry.get("Commands")) and configuration.get("Commands").absent:
                yield Fault(at=str(entry), message="Commands needs a list of commands")


@rule(
    "PIPE-121e",
    constraint=121,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A pipeline with features of type V2 says that it is of type V2",
    otherwise="Without PipelineType the service decides; a pipeline that exists as V1 refuses the new feature.",
    remedy="Set PipelineType to V2.",
    source=TYPES_SOURCE,
    types=PIPELINE,
)
def v2_feature_without_a_type(pipeline: Resource) -> Iterator[Fault]:
    if pipeline.get("PipelineType").absent:
        for node, feature in v2_features(pipeline):
            yield Fault(at=str(node), message=f"{feature}, and no PipelineType")
            return


@rule(
    "PIPE-121f",
    constraint=121,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A trigger's filter is on tags, or on branches with or without file paths",
    otherwise="CodePipeline answers that the trigger's filter combination is not valid.",
    remedy="Give tags and branches a push filter each; add branches where file paths are filtered.",
    source="https://github.com/hashicorp/terraform-provider-aws/issues/43105",
    types=PIPELINE,
)
def filter_combination(pipeline: Resource) -> Iterator[Fault]:
    for git in triggers(pipeline):
        if not git.absent and git.get("Push").absent and git.get("PullRequest").absent and not is_unknown(git):
            yield Fault(at=str(git), message="has neither a push nor a pull request filter")
        for push in entries(git.get("Push")):
            tags, branches, paths = (not push.get(key).absent for key in ("Tags", "Branches", "FilePaths"))
            if tags and (branches or paths):
                yield Fault(at=str(push), message="filters tags together with branches or file paths")
            elif paths and not branches:
                yield Fault(at=str(push), message="filters file paths without branches")
        for request in entries(git.get("PullRequest")):
            if request.get("Branches").absent and not is_unknown(request):
                yield Fault(at=str(request), message="a pull request filter without branches")


@rule(
    "PIPE-121g",
    constraint=121,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A condition's result is one that its gate offers",
    otherwise="CodePipeline refuses the stage.",
    remedy="Use FAIL or SKIP before entry, FAIL or ROLLBACK on success, ROLLBACK on failure; SKIP only with "
    "LambdaInvoke and VariableCheck; either Result or Conditions on failure.",
    source=CONDITIONS_SOURCE,
    types=PIPELINE,
)
def condition_result(pipeline: Resource) -> Iterator[Fault]:
    for gate, condition in conditions(pipeline):
        result = text(condition.get("Result"))
        if result is not None and result not in RESULTS[gate]:
            yield Fault(at=condition.path("Result"), message=f"the result {result} in {gate}")
        if result == "SKIP":
            for entry in entries(condition.get("Rules")):
                name = text(entry.get("RuleTypeId", "Provider"))
                if name not in {"LambdaInvoke", "VariableCheck", None}:
                    yield Fault(at=str(entry), message=f"SKIP with a rule of {name}")
    for stage in stages(pipeline):
        failure = stage.get("OnFailure")
        if not failure.get("Result").absent and not failure.get("Conditions").absent:
            yield Fault(at=str(failure), message="has both Result and Conditions")


@rule(
    "PIPE-121h",
    constraint=121,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A stage rolls back only behind the source stage, and only when runs follow each other",
    otherwise="A source stage cannot be rolled back; a PARALLEL pipeline refuses the result ROLLBACK.",
    remedy="Use QUEUED or SUPERSEDED, and leave rollback away from the first stage.",
    source="https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-rollback.html",
    types=PIPELINE,
)
def impossible_rollback(pipeline: Resource) -> Iterator[Fault]:
    parallel = text(pipeline.get("ExecutionMode")) == "PARALLEL"
    for position, stage in enumerate(stages(pipeline)):
        results = [stage.get("OnFailure", "Result")]
        for gate in GATES:
            results += [condition.get("Result") for condition in entries(stage.get(gate, "Conditions"))]
        for result in results:
            if text(result) != "ROLLBACK":
                continue
            if position == 0:
                yield Fault(at=str(result), message="rolls back the source stage")
            elif parallel:
                yield Fault(at=str(result), message="rolls back in a pipeline whose runs are parallel")
