"""The function that ends previews past their time and deletes what lost its preview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import Decision, acknowledge_wildcard
from infra.application import Server, Valkey
from infra.monitoring.metrics.application import SWEEP
from infra.preview_server import FunctionProps, as_json, preview_function, role_of
from previews.life import Terms
from previews.places import role_prefix

_LOOKS = Decision(
    reason="It looks for what previews left over: these lists and descriptions know no resources (Service "
    "Authorization Reference) and change nothing; its metrics go to the environment's own namespace, by a condition, "
    "and the EC2 calls are those that Lambda makes for a function in a VPC",
    owner="platform",
    reference="docs/adr/0072-a-previews-life-is-its-stack.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_LEFT_OVER = Decision(
    reason="What is left over is known by nothing but a preview's name or its tag: deleting needs the tags of a "
    "preview of this environment, or a name that previews alone have; reading tells no more than names and tags",
    owner="platform",
    reference="docs/adr/0072-a-previews-life-is-its-stack.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)


@dataclass(frozen=True, kw_only=True)
class SweeperProps(FunctionProps):
    """`listener` has the previews' rules and `spared_rule` beside them. `priorities` is where rules' priorities are,
    a path of Systems Manager. `valkeys` have the environment's own logins. People hear of it on `topic`, which is
    encrypted with `topic_key`."""

    environment: str
    terms: Terms
    namespace: str
    vpc: ec2.IVpc
    security_group: ec2.ISecurityGroup
    server: Server
    master: secretsmanager.ISecret
    valkeys: Sequence[Valkey]
    secrets_key: kms.IKey
    cluster: ecs.ICluster
    listener: str
    spared_rule: str
    user_groups: Sequence[str]
    bucket_name: str
    priorities: str
    topic: str
    topic_key: str


class PreviewSweeper(Construct):
    """By schedule, whatever else happens. What it may delete carries a preview's tag, or its name in a place that is
    previews' alone."""

    def __init__(self, scope: Construct, construct_id: str, *, props: SweeperProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self.function = preview_function(
            self,
            props,
            module="sweeper.index",
            description="Ends previews past their time, and deletes what lost its preview",
            environment={
                "HOURS": str(props.terms.hours),
                "KEPT_HOURS": str(props.terms.kept_hours),
                "WARNING_HOURS": str(props.terms.warning_hours),
                "NAMESPACE": props.namespace,
                "TOPIC": props.topic,
                "LISTENER": props.listener,
                "CLUSTER": props.cluster.cluster_name,
                "USER_GROUPS": ",".join(props.user_groups),
                "BUCKET": props.bucket_name,
                "PRIORITY_PATH": props.priorities,
                "MASTER_SECRET_ARN": props.master.secret_arn,
                "DATABASE_HOST": props.server.host,
                "DATABASE_PORT": props.server.port,
                "VALKEY_SERVERS": as_json(self, props.valkeys),
            },
            network=props,
        )
        role = role_of(self.function)
        own = [*self._reports(), *self._stacks_and_parameters(), *self._servers()]
        for statement in own:
            self.function.add_to_role_policy(statement)
        _acknowledge(role, own)
        # A policy holds 6144 characters: all of it in one would be more.
        in_account = [*self._services(), *self._tagged(), *self._roles()]
        _acknowledge(iam.ManagedPolicy(self, "InAccount", roles=[role], statements=in_account), in_account)
        events.Rule(
            self,
            "EachQuarterOfAnHour",
            description="Sweep previews",
            schedule=events.Schedule.rate(cdk.Duration.seconds(SWEEP)),
            targets=[targets.LambdaFunction(self.function)],
        )

    def _arn(self, service: str, resource: str, name: str, *, colon: bool = False, region: str | None = None) -> str:
        form = cdk.ArnFormat.COLON_RESOURCE_NAME if colon else cdk.ArnFormat.SLASH_RESOURCE_NAME
        return cdk.Stack.of(self).format_arn(
            service=service, resource=resource, resource_name=name, arn_format=form, region=region
        )

    def _tagged_only(self) -> dict[str, dict[str, str]]:
        """Only what carries a preview's name, and is of this environment."""
        return {
            "Null": {"aws:ResourceTag/Preview": "false"},
            "StringEquals": {"aws:ResourceTag/Environment": self._props.environment},
        }

    def _reports(self) -> Iterator[iam.PolicyStatement]:
        props = self._props
        yield iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],  # the action knows no resources, only a namespace
            conditions={"StringEquals": {"cloudwatch:namespace": props.namespace}},
        )
        yield iam.PolicyStatement(actions=["sns:Publish"], resources=[props.topic])
        yield iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[props.topic_key])

    def _stacks_and_parameters(self) -> Iterator[iam.PolicyStatement]:
        props = self._props
        # Without a name it lists, which knows no resources.
        yield iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=["*"])
        stacks = self._arn("cloudformation", "stack", f"{props.callers.prefix}*/*")
        yield iam.PolicyStatement(
            actions=["cloudformation:DeleteStack", "cloudformation:UpdateTerminationProtection"], resources=[stacks]
        )
        path = self._arn("ssm", "parameter", props.priorities.strip("/"))
        yield iam.PolicyStatement(actions=["ssm:GetParametersByPath"], resources=[path])
        yield iam.PolicyStatement(actions=["ssm:DeleteParameter"], resources=[f"{path}/*"])

    def _servers(self) -> Iterator[iam.PolicyStatement]:
        props, stack = self._props, cdk.Stack.of(self)
        logins = [props.master.secret_arn, *(each.password.secret_arn for each in props.valkeys)]
        yield iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=logins)
        yield iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[props.secrets_key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{stack.region}.amazonaws.com"}},
        )
        groups = [self._arn("elasticache", "usergroup", group, colon=True) for group in props.user_groups]
        users = self._arn("elasticache", "user", "preview-*", colon=True)
        everyone = self._arn("elasticache", "user", "*", colon=True)
        yield iam.PolicyStatement(actions=["elasticache:DescribeUsers"], resources=[everyone])
        yield iam.PolicyStatement(actions=["elasticache:DescribeUserGroups"], resources=groups)
        yield iam.PolicyStatement(actions=["elasticache:ModifyUserGroup"], resources=[*groups, users])
        yield iam.PolicyStatement(actions=["elasticache:DeleteUser"], resources=[users])
        bucket = stack.format_arn(service="s3", region="", account="", resource=props.bucket_name)
        yield iam.PolicyStatement(
            actions=["s3:ListBucketVersions"],
            resources=[bucket],
            conditions={"StringLike": {"s3:prefix": "previews/*"}},
        )
        yield iam.PolicyStatement(
            actions=["s3:DeleteObject", "s3:DeleteObjectVersion"], resources=[f"{bucket}/previews/*"]
        )

    def _services(self) -> Iterator[iam.PolicyStatement]:
        props = self._props
        services = self._arn("ecs", "service", f"{props.cluster.cluster_name}/*")
        in_cluster = {"ArnEquals": {"ecs:cluster": props.cluster.cluster_arn}}
        # Listing knows no resources, only the cluster.
        yield iam.PolicyStatement(actions=["ecs:ListServices"], resources=["*"], conditions=in_cluster)
        yield iam.PolicyStatement(actions=["ecs:DescribeServices"], resources=[services])
        yield iam.PolicyStatement(actions=["ecs:DeleteService"], resources=[services], conditions=self._tagged_only())
        # These know no resources.
        looks = ["DescribeTargetGroups", "DescribeTags", "DescribeRules"]
        yield iam.PolicyStatement(actions=[f"elasticloadbalancing:{look}" for look in looks], resources=["*"])
        groups = self._arn("elasticloadbalancing", "targetgroup", "*")
        yield iam.PolicyStatement(
            actions=["elasticloadbalancing:DeleteTargetGroup"], resources=[groups], conditions=self._tagged_only()
        )
        # Its rules are of this listener, and have no tags of their own: that of the environment itself is spared.
        listener = cdk.Fn.select(1, cdk.Fn.split(":listener/", props.listener))
        rules = self._arn("elasticloadbalancing", "listener-rule", f"{listener}/*")
        yield iam.PolicyStatement(actions=["elasticloadbalancing:DeleteRule"], resources=[rules])
        yield iam.PolicyStatement(
            effect=iam.Effect.DENY, actions=["elasticloadbalancing:DeleteRule"], resources=[props.spared_rule]
        )

    def _tagged(self) -> Iterator[iam.PolicyStatement]:
        # These know no resources.
        yield iam.PolicyStatement(actions=["secretsmanager:ListSecrets", "logs:DescribeLogGroups"], resources=["*"])
        secrets = self._arn("secretsmanager", "secret", "*", colon=True)
        yield iam.PolicyStatement(
            actions=["secretsmanager:DeleteSecret"], resources=[secrets], conditions=self._tagged_only()
        )
        own = self._arn("logs", "log-group", f"*{self._props.callers.prefix}*", colon=True)
        yield iam.PolicyStatement(
            actions=["logs:ListTagsForResource", "logs:DeleteLogGroup"], resources=[own, f"{own}:*"]
        )

    def _roles(self) -> Iterator[iam.PolicyStatement]:
        yield iam.PolicyStatement(actions=["iam:ListPolicies", "iam:ListRoles"], resources=["*"])  # know no resources
        prefix = role_prefix(self._props.environment)
        roles = self._arn("iam", "role", f"{prefix}*", region="")
        yield iam.PolicyStatement(actions=["iam:ListRoleTags"], resources=[roles])
        yield iam.PolicyStatement(
            actions=[
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:DetachRolePolicy",
                "iam:DeleteRolePolicy",
                "iam:DeleteRole",
            ],
            resources=[roles],
            conditions=self._tagged_only(),
        )
        # A template's policies have no tags; one that is attached to some role is not deleted.
        policies = self._arn("iam", "policy", f"{prefix}*", region="")
        yield iam.PolicyStatement(
            actions=["iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:ListPolicyVersions"], resources=[policies]
        )


def _acknowledge(granted: iam.IRole | iam.ManagedPolicy, statements: Sequence[iam.PolicyStatement]) -> None:
    allowed = (each.resources for each in statements if each.effect is iam.Effect.ALLOW)
    for resource in sorted({one for resources in allowed for one in resources if "*" in one}):
        acknowledge_wildcard(granted, resource, decision=_LOOKS if resource == "*" else _LEFT_OVER)
