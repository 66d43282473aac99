"""Deployments through CloudFormation: references, updates, rollbacks, restarts."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .support import Deploy, Emulator, settled

_QUEUE = "AWS::SQS::Queue"
_GROUP = "AWS::Logs::LogGroup"


def test_an_output_of_a_stack_in_another_region(deploy: Deploy) -> None:
    deploy("producer", {"Group": {"Type": _GROUP}}, {"Name": "from-the-west"}, region="us-west-2")
    deploy("producer", {"Group": {"Type": _GROUP}}, {"Name": "from-the-east"})
    reference = {"Fn::GetStackOutput": {"StackName": "producer", "Region": "us-west-2", "OutputName": "Name"}}
    outputs = deploy("consumer", {"Group": {"Type": _GROUP}}, {"Seen": reference})
    assert outputs["Seen"] == "from-the-west"


def test_a_missing_output_is_named(deploy: Deploy, emulator: Emulator) -> None:
    reference = {"Fn::GetStackOutput": {"StackName": "nobody", "Region": "us-west-2", "OutputName": "Name"}}
    group = {"Group": {"Type": _GROUP, "Properties": {"LogGroupName": reference}}}
    deploy("orphan", group, expect="ROLLBACK_COMPLETE")
    events = emulator.client("cloudformation").describe_stack_events(StackName="orphan")["StackEvents"]
    assert any("stack nobody in us-west-2 has no output Name" in e.get("ResourceStatusReason", "") for e in events)


def test_a_short_operation_is_over_when_the_call_returns(emulator: Emulator, deploy: Deploy) -> None:
    addresses = {f"Address{number}": {"Type": "AWS::EC2::EIP"} for number in range(60)}
    deploy("prompt", addresses, wait=False)
    cloudformation = emulator.client("cloudformation")
    assert cloudformation.describe_stacks(StackName="prompt")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    cloudformation.delete_stack(StackName="prompt")
    assert "prompt" not in [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]]


def test_an_output_alone_is_a_change_and_nothing_at_all_is_none(emulator: Emulator, deploy: Deploy) -> None:
    deploy("told", {"Group": {"Type": _GROUP}})
    cloudformation = emulator.client("cloudformation")

    def change_set(name: str, outputs: dict[str, Any]) -> dict[str, Any]:
        template = {"Resources": {"Group": {"Type": _GROUP}}, "Outputs": outputs}
        cloudformation.create_change_set(
            StackName="told", ChangeSetName=name, ChangeSetType="UPDATE", TemplateBody=json.dumps(template)
        )
        found: dict[str, Any] = cloudformation.describe_change_set(StackName="told", ChangeSetName=name)
        return found

    made = change_set("outputs", {"Name": {"Value": "said"}})
    assert (made["Status"], made["ExecutionStatus"], made["Changes"]) == ("CREATE_COMPLETE", "AVAILABLE", [])
    cloudformation.execute_change_set(StackName="told", ChangeSetName="outputs")
    settled(cloudformation, "told")
    outputs = cloudformation.describe_stacks(StackName="told")["Stacks"][0]["Outputs"]
    assert [(output["OutputKey"], output["OutputValue"]) for output in outputs] == [("Name", "said")]
    assert change_set("nothing", {"Name": {"Value": "said"}})["Status"] == "FAILED"


def test_an_update_touches_what_changed_alone(emulator: Emulator, deploy: Deploy) -> None:
    def groups(days: int) -> dict[str, Any]:
        return {
            name: {"Type": _GROUP, "Properties": {"LogGroupName": f"/only/{name}", "RetentionInDays": kept}}
            for name, kept in (("Changed", days), ("Kept", 30))
        }

    deploy("only", groups(7))
    logs = emulator.client("logs")
    logs.delete_log_group(logGroupName="/only/Kept")
    deploy("only", groups(14))
    found = {
        g["logGroupName"]: g.get("retentionInDays")
        for g in logs.describe_log_groups(logGroupNamePrefix="/only/")["logGroups"]
    }
    # Had the update touched the group that was deleted behind its back, it would be there again.
    assert found == {"/only/Changed": 14}


def test_a_failed_update_leaves_the_state_before(emulator: Emulator, deploy: Deploy) -> None:
    good = {"Queue": {"Type": _QUEUE, "Properties": {"QueueName": "steady", "VisibilityTimeout": 30}}}
    deploy("steady", good)
    bad = {
        "Queue": {"Type": _QUEUE, "Properties": {"QueueName": "steady", "VisibilityTimeout": 60}},
        "Gateway": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {"SubnetId": "subnet-1", "AllocationId": {"Ref": "Queue"}, "Nonsense": 1},
        },
    }
    deploy("steady", bad, expect="UPDATE_ROLLBACK_COMPLETE")
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="steady")["QueueUrl"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["VisibilityTimeout"] == "30"
    assert emulator.client("ec2").describe_nat_gateways()["NatGateways"] == []
    events = emulator.client("cloudformation").describe_stack_events(StackName="steady")["StackEvents"]
    assert any("Nonsense" in event.get("ResourceStatusReason", "") for event in events)


def test_state_survives_a_kill(own_emulator: Emulator) -> None:
    s3 = own_emulator.client("s3")
    s3.create_bucket(Bucket="survivor")
    s3.put_object(Bucket="survivor", Key="note", Body=b"still here")
    own_emulator.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/a/b",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=4,
    )
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = {"RoleName": "kept", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/kept/by-stack"}},
    }
    time.sleep(2)  # past the round right after the start, which writes everything
    own_emulator.client("logs").create_log_group(logGroupName="/kept/by-call")
    own_emulator.client("cloudformation").create_stack(
        StackName="kept",
        TemplateBody=json.dumps({"Resources": resources}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    time.sleep(2.5)
    own_emulator.stop(signal.SIGKILL)
    own_emulator.start()
    groups = own_emulator.client("logs").describe_log_groups(logGroupNamePrefix="/kept")["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/kept/by-call", "/kept/by-stack"]
    assert own_emulator.client("iam").get_role(RoleName="kept")
    stack = own_emulator.client("cloudformation").describe_stacks(StackName="kept")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert own_emulator.client("s3").get_object(Bucket="survivor", Key="note")["Body"].read() == b"still here"
    targets = own_emulator.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")
    assert [target["MaxCapacity"] for target in targets["ScalableTargets"]] == [4]


def test_a_create_that_a_kill_interrupted_can_be_deleted_and_repeated(own_emulator: Emulator) -> None:
    template = _service_template()
    cloudformation = own_emulator.client("cloudformation")
    # Nobody runs tasks here, so the service's rollout never ends.
    cloudformation.create_stack(StackName="cut", TemplateBody=template)
    assert cloudformation.describe_stacks(StackName="cut")["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"
    time.sleep(2.5)
    own_emulator.stop(signal.SIGKILL)
    own_emulator.start()
    cloudformation = own_emulator.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName="cut")["Stacks"][0]
    assert stack["StackStatus"] == "ROLLBACK_FAILED"
    assert "stopped during this operation" in stack["StackStatusReason"]
    cloudformation.delete_stack(StackName="cut")
    with pytest.raises(ClientError, match="does not exist"):
        settled(cloudformation, "cut")
    cloudformation.create_stack(StackName="cut", TemplateBody=template)
    assert cloudformation.describe_stacks(StackName="cut")["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"


def _service_template() -> str:
    return json.dumps(
        {
            "Resources": {
                "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "cut"}},
                "Definition": {
                    "Type": "AWS::ECS::TaskDefinition",
                    "Properties": {"Family": "cut", "ContainerDefinitions": [{"Name": "main", "Image": "none"}]},
                },
                "Service": {
                    "Type": "AWS::ECS::Service",
                    "Properties": {
                        "ServiceName": "cut",
                        "Cluster": {"Ref": "Cluster"},
                        "TaskDefinition": {"Ref": "Definition"},
                    },
                },
            }
        }
    )


def test_state_survives_starts_that_take_long_or_are_cut_short(own_emulator: Emulator) -> None:
    """A busy machine: the process stands still in the middle of its start, or is asked to end there."""
    own_emulator.client("iam").create_user(UserName="kept")
    time.sleep(2.5)
    own_emulator.stop(signal.SIGKILL)
    for tenths in range(2, 16, 2):
        own_emulator.launch()
        time.sleep(tenths / 10)
        assert own_emulator.process
        if tenths % 4:
            own_emulator.process.send_signal(signal.SIGSTOP)
            time.sleep(1.5)
            own_emulator.process.send_signal(signal.SIGCONT)
            own_emulator.wait()
            time.sleep(1.5)
            own_emulator.stop(signal.SIGKILL)
        else:
            own_emulator.stop(signal.SIGTERM)
    own_emulator.start()
    assert own_emulator.client("iam").get_user(UserName="kept")
