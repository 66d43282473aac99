"""Where alarms go: a topic for each severity, and the function that makes of what CloudWatch says what people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.acknowledgement import Decision, acknowledge_lasting, acknowledge_wildcard
from infra.config import Environment
from infra.monitoring.alarm import Severity, prefix
from infra.retention import retention
from infra.small_function import RUNTIME, acknowledge_limits, package_code

_PACKAGE = "notify"

_DESTINATION = Decision(
    reason="What the function could not deliver goes to the readers of P0 by its on-failure destination, which says "
    "why it failed as well: a dead-letter queue would be a second copy that nobody reads",
    owner="platform",
    reference="docs/runbooks/messages-failing.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_GIVEN_BY_OTHERS = Decision(
    reason="The chat or pager service gives out the address, and has no call by which a function could ask for "
    "the next one: a person makes it there and puts it here",
    owner="platform",
    reference="docs/observability.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)
_COMPOSITES = Decision(
    reason="cloudwatch:DescribeAlarms shows composite alarms to nobody whose right names resources (CloudWatch API "
    "Reference, DescribeAlarms); it reads states, and no data",
    owner="platform",
    reference="docs/observability.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

_PUBLISHERS = ("cloudwatch", "budgets", "costalerts")
"""Services that speak on these topics: alarms, budgets, cost anomalies."""


@dataclass(frozen=True, kw_only=True)
class NotificationProps:
    """`log_groups` names the log group of each service; the function looks at `cluster` for recent deployments."""

    environment: Environment
    log_groups: Mapping[str, str]
    cluster: str
    services: Sequence[str]


class Notifications(Construct):
    """Each severity has two topics: services publish to one, and what people read comes out of the other.

    What the function could not deliver goes to the readers of P0 as it came: no message is lost for its form.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: NotificationProps) -> None:
        super().__init__(scope, construct_id)
        self._environment = props.environment
        self.key = self._make_key()
        self.topics = {one: self._topic(one) for one in Severity}
        self.messages = {one: self._messages(one) for one in Severity}
        self.function = self._function(props)

    def _make_key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description=f"SpendSmart {self._environment.name}: what alarms say",
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        # Without this an alarm turns red and nobody hears of it (aws-cdk#11121).
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"{service}.amazonaws.com") for service in _PUBLISHERS],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's policy: this key
                conditions={"StringEquals": {"aws:SourceAccount": self._environment.account}},
            )
        )
        return key

    def open_to_events(self, severity: Severity) -> sns.ITopic:
        """The topic of a severity, which rules of EventBridge may then publish on.

        Without conditions, which EventBridge does not meet (EventBridge User Guide, "Amazon SNS permissions"); CDK adds
        the same for the topic itself.
        """
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's policy: this key
            )
        )
        return self.topics[severity]

    def _topic(self, severity: Severity) -> sns.Topic:
        topic = sns.Topic(
            self,
            f"{severity}Topic",
            display_name=f"SpendSmart {self._environment.name} {severity}",
            master_key=self.key,
            enforce_ssl=True,
        )
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"{service}.amazonaws.com") for service in _PUBLISHERS],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self._environment.account}},
            )
        )
        return topic

    def _messages(self, severity: Severity) -> sns.Topic:
        topic = sns.Topic(
            self,
            f"{severity}Messages",
            display_name=f"SpendSmart {self._environment.name} {severity}",
            master_key=self.key,
            enforce_ssl=True,
        )
        alarms = self._environment.alarms
        for email in {Severity.P0: alarms.p0, Severity.P1: alarms.p1, Severity.P2: alarms.p2}[severity]:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _function(self, props: NotificationProps) -> lambda_.Function:
        stack = cdk.Stack.of(self)
        endpoints = {
            name: self._endpoint(name)
            for name, wanted in (("chat", self._environment.alarms.chat), ("pager", self._environment.alarms.pager))
            if wanted
        }
        group = logs.LogGroup(self, "Logs", retention=retention(self._environment.logs.retention_days))
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Tells people about alarms",
        )
        group.grant_write(role)
        function = lambda_.Function(
            self,
            "Function",
            description="Turns alarms into messages, and sends them to mail, chat and pager",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{_PACKAGE}.index.handler",
            code=package_code(_PACKAGE),
            memory_size=128,
            timeout=cdk.Duration.seconds(30),
            # CDK would add the use of the topics' key by actions with a star.
            role=role.without_policy_updates(),
            log_group=group,
            environment={
                "PREFIX": prefix(self._environment),
                "TOPICS": stack.to_json_string(
                    {
                        self.topics[one].topic_arn: {"severity": one.value, "messages": self.messages[one].topic_arn}
                        for one in Severity
                    }
                ),
                "LOG_GROUPS": stack.to_json_string(dict(props.log_groups)),
                "CLUSTER": props.cluster,
                "SERVICES": ",".join(props.services),
                **{f"{name.upper()}_SECRET": secret.secret_arn for name, secret in endpoints.items()},
            },
            on_failure=destinations.SnsDestination(self.messages[Severity.P0]),
        )
        acknowledge_limits(function, undelivered=_DESTINATION, outside_vpc=True)
        for secret in endpoints.values():
            secret.grant_read(role)
        self._allow(role, props)
        acknowledge_wildcard(role, "*", decision=_COMPOSITES)
        function.node.add_dependency(role)
        for topic in self.topics.values():
            topic.add_subscription(subscriptions.LambdaSubscription(function))
        return function

    def _allow(self, role: iam.Role, props: NotificationProps) -> None:
        stack = cdk.Stack.of(self)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"], resources=[topic.topic_arn for topic in self.messages.values()]
            )
        )
        self.key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:DescribeAlarms"],
                resources=["*"],  # composite alarms are shown to nobody whose right is narrower (DescribeAlarms)
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["ecs:DescribeServices"],
                resources=[
                    stack.format_arn(service="ecs", resource="service", resource_name=f"{props.cluster}/{service}")
                    for service in props.services
                ],
            )
        )

    def _endpoint(self, name: str) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            f"{name.capitalize()}Endpoint",
            description=f"Where the {name} takes messages: random until an address is put in its place",
            encryption_key=self.key,
            generate_secret_string=secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=32),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        acknowledge_lasting(secret, decision=_GIVEN_BY_OTHERS)
        return secret
