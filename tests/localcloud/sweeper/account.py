"""An account in which previews have left things behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import valkey
from pg8000.native import identifier

from infra.functions.preview_server import postgres

GROUPS = ("spendsmart-preview-broker", "spendsmart-preview-cache")
BASE_PORT = 15400 + os.getpid() % 16 * 500
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)

_READS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


@dataclass
class Account:
    """`client` makes clients of the emulator, `keys` is one of a Valkey server."""

    client: Callable[..., Any]
    keys: valkey.Valkey
    stack_prefix: str = "SpendSmart-Preview-Preview-"
    listener: str = ""
    vpc: str = ""
    _priority: int = field(default=0)

    def prepare(self) -> None:
        """What the environment's own stacks make."""
        ec2, elbv2, elasticache = self.client("ec2"), self.client("elbv2"), self.client("elasticache")
        self.vpc = ec2.create_vpc(CidrBlock="10.70.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.70.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")[
                "Subnet"
            ]["SubnetId"]
            for n, zone in enumerate("ab")
        ]
        balancer = elbv2.create_load_balancer(Name="previews", Subnets=subnets)["LoadBalancers"][0]
        self.listener = elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]["ListenerArn"]
        self.client("ecs").create_cluster(clusterName="previews")
        s3 = self.client("s3")
        s3.create_bucket(Bucket="preview-objects")
        s3.put_bucket_versioning(Bucket="preview-objects", VersioningConfiguration={"Status": "Enabled"})
        elasticache.create_user(
            UserId="owner", UserName="default", Engine="valkey", AccessString="off -@all",
            NoPasswordRequired=True,
        )  # fmt: skip
        for group in GROUPS:
            elasticache.create_user_group(UserGroupId=group, Engine="valkey", UserIds=["owner"])

    def stack(self, name: str) -> str:
        """A preview's stack with next to nothing in it."""
        template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
        made = self.client("cloudformation").create_stack(
            StackName=self.stack_prefix + name, TemplateBody=json.dumps(template)
        )
        return str(made["StackId"])

    def retained(self, name: str, *, reads: str) -> str:
        """A preview's stack that will leave its role with a policy for reading `reads` and its log group, named by
        CloudFormation and tagged as its template says; called again, it is updated."""
        document = json.loads(_READS)
        document["Statement"][0]["Resource"] = reads
        resources = {
            "TaskRole": {"AssumeRolePolicyDocument": json.loads(_TRUST), "Tags": _tags(name)},
            "TaskPolicyManaged": {"PolicyDocument": document, "Roles": [{"Ref": "TaskRole"}]},
            "LogsWeb": {"Tags": _tags(name)},
        }
        kinds = ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::Logs::LogGroup")
        template = {
            "Resources": {
                each: {"Type": kind, "Properties": resources[each], "DeletionPolicy": "Retain"}
                for each, kind in zip(resources, kinds, strict=True)
            }
        }
        cloudformation, stack = self.client("cloudformation"), self.stack_prefix + name
        there = any(each["StackName"] == stack for each in cloudformation.describe_stacks()["Stacks"])
        call = cloudformation.update_stack if there else cloudformation.create_stack
        call(StackName=stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
        return stack

    def keep(self) -> None:
        """What the environment itself has in the same places, called `own-part`, and the role of its template."""
        stack, tags = "SpendSmart-Preview-Previews", [{"Key": "Environment", "Value": "preview"}]
        with postgres.connection() as link:
            postgres.ensure_role(link, postgres.Login(username=postgres.TEMPLATE_ROLE, password="password"))
        ecs = self.client("ecs")
        ecs.register_task_definition(
            family="own-part", containerDefinitions=[{"name": "web", "image": "none", "memory": 64}]
        )
        ecs.create_service(
            cluster="previews", serviceName="own-part", taskDefinition="own-part", desiredCount=0,
            tags=[{"key": "Environment", "value": "preview"}],
        )  # fmt: skip
        self.client("elbv2").create_target_group(
            Name="own-part", Protocol="HTTP", Port=8000, VpcId=self.vpc, TargetType="ip", Tags=tags
        )
        self.client("secretsmanager").create_secret(Name="own-part", SecretString="x", Tags=tags)
        self.client("logs").create_log_group(logGroupName=f"{stack}-own-part", tags={"Environment": "preview"})
        self.client("ssm").put_parameter(
            Name="/spendsmart/preview/preview-priorities/own-part", Type="String",
            Value=f"arn:aws:cloudformation:us-east-1:000000000000:stack/{stack}/1",
        )  # fmt: skip
        iam = self.client("iam")
        iam.create_role(RoleName=f"{stack}-own-part", AssumeRolePolicyDocument=_TRUST, Tags=tags)
        iam.create_policy(PolicyName=f"{stack}-own-part-Policy", PolicyDocument=_READS)

    def traces(self, name: str) -> list[str]:
        """Whatever has a preview's name in it, of the kinds that `leave` makes; not as the sweeper looks for it."""
        ecs, elbv2, elasticache, iam = (self.client(each) for each in ("ecs", "elbv2", "elasticache", "iam"))
        with postgres.connection() as link:
            databases = link.run("SELECT rolname::text FROM pg_roles UNION SELECT datname::text FROM pg_database")
        found = [
            *ecs.list_services(cluster="previews")["serviceArns"],
            *elbv2.describe_target_groups()["TargetGroups"],
            *elbv2.describe_rules(ListenerArn=self.listener)["Rules"],
            *elasticache.describe_users()["Users"],
            *elasticache.describe_user_groups()["UserGroups"],
            *self.client("s3").list_object_versions(Bucket="preview-objects").items(),
            *self.client("secretsmanager").list_secrets()["SecretList"],
            *self.client("logs").describe_log_groups()["logGroups"],
            *self.client("ssm").get_parameters_by_path(Path="/", Recursive=True)["Parameters"],
            *iam.list_roles()["Roles"],
            *iam.list_policies(Scope="Local")["Policies"],
            *databases,
            *self.keys.scan_iter(),
        ]
        return [str(each) for each in found if name in str(each).replace("_", "-")]

    def leave(self, name: str) -> None:
        """One of each kind of thing that a preview has, and of some kinds more."""
        self._leave_on_servers(name)
        self._leave_services(name)
        self._leave_rest(name)

    def _leave_on_servers(self, name: str) -> None:
        role = f"preview_{name.replace('-', '_')}"
        with postgres.connection() as link:
            postgres.ensure_role(link, postgres.Login(username=role, password="password"))
            for number in (1, 2):
                link.run(f"CREATE DATABASE {identifier(f'{role}_{number}')} OWNER {identifier(role)}")
        elasticache = self.client("elasticache")
        elasticache.create_user(
            UserId=f"preview-{name}", UserName=f"preview-{name}", Engine="valkey", AccessString="on ~* +@all",
            Passwords=["a-password-that-is-long-enough"],
        )  # fmt: skip
        self.keys.mset({f"preview-{name}:{number}": "x" for number in range(700)})
        for group in GROUPS:
            elasticache.modify_user_group(UserGroupId=group, UserIdsToAdd=[f"preview-{name}"])
        s3 = self.client("s3")
        for body in (b"old", b"new"):
            s3.put_object(Bucket="preview-objects", Key=f"previews/{name}/receipts/1.png", Body=body)
        s3.put_object(Bucket="preview-objects", Key=f"previews/{name}/receipts/2.png", Body=b"gone")
        s3.delete_object(Bucket="preview-objects", Key=f"previews/{name}/receipts/2.png")

    def _leave_services(self, name: str) -> None:
        ecs, elbv2 = self.client("ecs"), self.client("elbv2")
        small = [{"key": each["Key"], "value": each["Value"]} for each in _tags(name)]
        for service in ("web", "worker"):
            family = f"spendsmart-preview-preview-{name}-{service}"
            ecs.register_task_definition(
                family=family, containerDefinitions=[{"name": service, "image": "none", "memory": 64}]
            )
            ecs.create_service(
                cluster="previews", serviceName=f"{name}-{service}", taskDefinition=family, desiredCount=0, tags=small
            )
        group = elbv2.create_target_group(
            Name=f"preview-{name}", Protocol="HTTP", Port=8000, VpcId=self.vpc, TargetType="ip", Tags=_tags(name)
        )["TargetGroups"][0]["TargetGroupArn"]
        for path in ("/a", "/b"):
            self._priority += 1
            elbv2.create_rule(
                ListenerArn=self.listener,
                Priority=self._priority,
                Conditions=[{"Field": "path-pattern", "Values": [f"/{name}{path}"]}],
                Actions=[{"Type": "forward", "TargetGroupArn": group}],
            )

    def _leave_rest(self, name: str) -> None:
        stack = self.stack_prefix + name
        self.client("secretsmanager").create_secret(Name=f"{name}-login", SecretString="x", Tags=_tags(name))
        self.client("logs").create_log_group(
            logGroupName=f"{stack}-Logs1234-abcd", tags={each["Key"]: each["Value"] for each in _tags(name)}
        )
        ssm = self.client("ssm")
        arn = f"arn:aws:cloudformation:us-east-1:000000000000:stack/{stack}/1"
        self._priority += 1
        ssm.put_parameter(Name=f"/spendsmart/preview/preview-priorities/{self._priority}", Value=arn, Type="String")
        iam, role = self.client("iam"), f"{self.stack_prefix[:24]}-{name}-Role"
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=_TRUST, Tags=_tags(name))
        iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=_READS)
        own = iam.create_policy(PolicyName=f"{stack}-RolePolicy12AB-CD34", PolicyDocument=_READS)["Policy"]["Arn"]
        iam.create_policy_version(PolicyArn=own, PolicyDocument=_READS, SetAsDefault=True)
        iam.attach_role_policy(RoleName=role, PolicyArn=own)


def _tags(name: str) -> list[dict[str, str]]:
    return [{"Key": "Preview", "Value": name}, {"Key": "Environment", "Value": "preview"}]
