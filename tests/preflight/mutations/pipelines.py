"""Pipelines that prod does not have yet, each with one fault."""

from __future__ import annotations

from typing import Any

from tests.preflight.prod import Prod, plants

CONNECTION = "arn:aws:codeconnections:us-east-1:111122223333:connection/1"


def action(category: str, provider: str, **more: Any) -> dict[str, Any]:
    kind = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": f"{category}Action", "ActionTypeId": kind, **more}


def pipeline(prod: Prod, **properties: Any) -> dict[str, Any]:
    """A sound pipeline of type V2 in the Service stack, with `properties` over its own."""
    checkout = {"ConnectionArn": CONNECTION, "FullRepositoryId": "spend/smart", "BranchName": "main"}
    stages = [
        {"Name": "Source", "Actions": [action("Source", "CodeStarSourceConnection", Configuration=checkout)]},
        {"Name": "Build", "Actions": [action("Build", "CodeBuild", Configuration={"ProjectName": "build"})]},
    ]
    given = {
        "RoleArn": "arn:aws:iam::111122223333:role/pipeline",
        "PipelineType": "V2",
        "ArtifactStore": {"Type": "S3", "Location": "artifacts"},
        "Stages": stages,
    }
    return prod.add("Service", "Pipeline", {"Type": "AWS::CodePipeline::Pipeline", "Properties": given | properties})


def stage(made: dict[str, Any], position: int) -> dict[str, Any]:
    return made["Properties"]["Stages"][position]  # type: ignore[no-any-return]


def trigger(**git: Any) -> dict[str, Any]:
    return {"ProviderType": "CodeStarSourceConnection", "GitConfiguration": {"SourceActionName": "SourceAction", **git}}


def condition(result: str, provider: str, **configuration: str) -> dict[str, Any]:
    kind = {"Category": "Rule", "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {
        "Conditions": [
            {"Result": result, "Rules": [{"Name": "check", "RuleTypeId": kind, "Configuration": configuration}]}
        ]
    }


PUSH = [{"Branches": {"Includes": ["main"]}}]


@plants("PIPE-119", constraint=119)
def a_connection_made_with_its_pipeline(prod: Prod) -> str:
    made = pipeline(prod)
    connection = {"ConnectionName": "git", "ProviderType": "GitHub"}
    prod.add("Service", "Git", {"Type": "AWS::CodeStarConnections::Connection", "Properties": connection})
    stage(made, 0)["Actions"][0]["Configuration"]["ConnectionArn"] = {"Fn::GetAtt": ["Git", "ConnectionArn"]}
    return prod.path(made)


@plants("PIPE-120", constraint=120)
def a_role_with_the_old_prefix_only(prod: Prod) -> str:
    statement = {"Effect": "Allow", "Action": "codestar-connections:UseConnection", "Resource": "*"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codepipeline.amazonaws.com"}}
    role = {"AssumeRolePolicyDocument": {"Statement": [trust]}}
    policy = {"PolicyName": "use", "PolicyDocument": {"Statement": [statement]}, "Roles": [{"Ref": "PipelineRole"}]}
    prod.add("Service", "PipelineRole", {"Type": "AWS::IAM::Role", "Properties": role})
    prod.add("Service", "PipelinePolicy", {"Type": "AWS::IAM::Policy", "Properties": policy})
    return prod.path(pipeline(prod, RoleArn={"Fn::GetAtt": ["PipelineRole", "Arn"]}))


@plants("PIPE-121", constraint=121)
def a_trigger_in_a_pipeline_of_type_v1(prod: Prod) -> str:
    return prod.path(pipeline(prod, PipelineType="V1", Triggers=[trigger(Push=PUSH)]))


@plants("PIPE-121", constraint=121)
def a_commands_action_in_a_pipeline_of_type_v1(prod: Prod) -> str:
    made = pipeline(prod, PipelineType="V1")
    stage(made, 1)["Actions"] = [action("Compute", "Commands", Commands=["make"])]
    return prod.path(made)


@plants("PIPE-121b", constraint=121)
def a_trigger_of_the_build(prod: Prod) -> str:
    return prod.path(pipeline(prod, Triggers=[trigger(SourceActionName="BuildAction", Push=PUSH)]))


@plants("PIPE-121c", constraint=121)
def two_triggers_for_one_source(prod: Prod) -> str:
    return prod.path(pipeline(prod, Triggers=[trigger(Push=PUSH), trigger(Push=[{"Tags": {"Includes": ["v*"]}}])]))


@plants("PIPE-121d", constraint=121)
def a_rule_provider_spelled_wrongly(prod: Prod) -> str:
    made = pipeline(prod)
    stage(made, 1)["OnSuccess"] = condition("FAIL", "CloudWatchAlarms", AlarmName="errors")
    return prod.path(made)


@plants("PIPE-121d", constraint=121)
def an_alarm_rule_without_its_alarm(prod: Prod) -> str:
    made = pipeline(prod)
    stage(made, 1)["OnSuccess"] = condition("FAIL", "CloudWatchAlarm", WaitTime="10")
    return prod.path(made)


@plants("PIPE-121e", constraint=121)
def a_queued_pipeline_without_a_type(prod: Prod) -> str:
    made = pipeline(prod, ExecutionMode="QUEUED")
    del made["Properties"]["PipelineType"]
    return prod.path(made)


@plants("PIPE-121f", constraint=121)
def a_filter_of_file_paths_alone(prod: Prod) -> str:
    return prod.path(pipeline(prod, Triggers=[trigger(Push=[{"FilePaths": {"Includes": ["infra/**"]}}])]))


@plants("PIPE-121g", constraint=121)
def a_rollback_before_entry(prod: Prod) -> str:
    made = pipeline(prod)
    stage(made, 1)["BeforeEntry"] = condition("ROLLBACK", "LambdaInvoke", FunctionName="check")
    return prod.path(made)


@plants("PIPE-121h", constraint=121)
def a_rollback_of_the_source(prod: Prod) -> str:
    made = pipeline(prod)
    stage(made, 0)["OnFailure"] = {"Result": "ROLLBACK"}
    return prod.path(made)


@plants("PIPE-201")
def an_action_in_the_second_region_without_a_store(prod: Prod) -> str:
    made = pipeline(prod)
    stage(made, 1)["Actions"][0]["Region"] = "us-west-2"
    return prod.path(made)


@plants("PIPE-202")
def an_approval_in_the_first_stage(prod: Prod) -> str:
    made = pipeline(prod)
    stage(made, 0)["Actions"].append(action("Approval", "Manual"))
    return prod.path(made)


@plants("PIPE-203")
def a_deployment_to_ecs_without_its_cluster(prod: Prod) -> str:
    made = pipeline(prod)
    stage(made, 1)["Actions"] = [action("Deploy", "ECS", Configuration={"ServiceName": "web"})]
    return prod.path(made)


@plants("PIPE-204")
def a_build_with_an_approvals_timeout(prod: Prod) -> str:
    made = pipeline(prod)
    stage(made, 1)["Actions"][0]["TimeoutInMinutes"] = 120
    return prod.path(made)


@plants("PIPE-220")
def a_pipeline_with_the_role_of_a_function(prod: Prod) -> str:
    role = prod.resource("Service", "AWS::IAM::Role")
    return prod.path(pipeline(prod, RoleArn={"Fn::GetAtt": [prod.logical_id(role), "Arn"]}))


@plants("PIPE-205")
def nine_patterns_in_a_filter(prod: Prod) -> str:
    patterns = [f"release-{number}" for number in range(9)]
    return prod.path(pipeline(prod, Triggers=[trigger(Push=[{"Branches": {"Includes": patterns}}])]))
