"""What all previews of an environment share, beside its network, load balancer and servers."""

from __future__ import annotations

import dataclasses
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgement import Decision, acknowledge_lasting, acknowledge_wildcard
from infra.application import Application, Namespace
from infra.application_image import application_image
from infra.config import Environment
from infra.database import DATABASE_NAME
from infra.environment_stack import EnvironmentStack
from infra.fargate_service import FargateCluster
from infra.fargate_task import Task, TaskProps
from infra.load_balancer import LAST_PRIORITY, WEB_PORT
from infra.log_bucket import LogBucket
from infra.migrations import migrations_digest
from infra.preview_bucket import PreviewBucket
from infra.preview_server import (
    OBJECTS,
    Callers,
    DatabaseFunction,
    DatabaseFunctionProps,
    FunctionProps,
    SharesFunction,
    SharesFunctionProps,
)
from infra.rule_conditions import header, host
from infra.task_logs import TaskLogs
from previews.places import HEADER
from stacks.data import DataStack
from stacks.ingress import IngressStack
from stacks.storage import ReceiptsStack
from stacks.surroundings import Imports

_SYNTHETIC = Decision(
    reason="It opens synthetic data that every preview begins with, and nothing else: the role owns the template"
    " database alone, and the people in it are made up",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

PREFIX = "previews"
"""Where this stack's parameters are: `/spendsmart/<environment>/previews/…`. Previews read them by these names."""

TEMPLATE_ROLE = "preview_template"
TEMPLATE_OBJECTS = "template/"
LOGIN_ID = "PreviewDatabaseLogin"
"""How the ids of the secrets begin that hold the logins of database roles, so that one right is for these alone."""

_NOBODY_ELSE = (
    "There is no such preview, or your link has no valid token (?access=...). The comment on the pull request has one, "
    "or says how to get it."
)

_POSTGRESQL, _VALKEY, _HTTPS = 5432, 6379, 443
_SEED_CPU, _SEED_MEMORY_MIB = 512, 1024


def stack_prefix(environment: Environment) -> str:
    """How the names of the previews' stacks begin."""
    return f"SpendSmart-{environment.name.capitalize()}-Preview-"


class PreviewsStack(EnvironmentStack):
    """A cluster, a bucket, one security group, the functions that hand out shares, and the template database.

    One group for the tasks of all previews: rules of their own for each would fill the servers' groups, which hold 60.
    It lets nobody in but the load balancer, so that previews do not reach each other.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        vpc: ec2.IVpc,
        data: DataStack,
        storage: ReceiptsStack,
        ingress: IngressStack,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        if environment.previews is None:
            raise ValueError(f"config/{environment.name}.toml has no section [previews]")
        self._previews = environment.previews
        self._data = data
        self._imports = Imports(self, data=data, storage=storage, ingress=ingress, prefix=PREFIX)
        self._vpc = self._imports.vpc(vpc)
        self._logs = TaskLogs(self, "Logs", retention_days=environment.logs.retention_days)
        self._cluster = FargateCluster(self, "Cluster", vpc=self._vpc, insights=False).cluster
        self._objects = PreviewBucket(
            self,
            "Objects",
            page_origins=self._page_origins(ingress),
            access_logs=LogBucket(
                self,
                "AccessLogs",
                retention_days=environment.logs.retention_days,
                keep=False,
                logs_buckets=True,
            ),
        )
        self._surroundings = self._imports.surroundings(None)
        self._database_group = self._imports.security_group("Database", data.database.security_group)
        self._task_group = self._group_of_tasks(ingress)
        self._login = self._secret(f"{LOGIN_ID}Template", "The login of the template database's role", TEMPLATE_ROLE)
        self._seed_password = self._secret("SeedPassword", "Password of the people that every preview begins with")
        self._functions = FunctionProps(
            callers=Callers(base=self.stack_name, prefix=stack_prefix(environment)),
            log_retention_days=environment.logs.retention_days,
            log_key=self._logs.key,
        )
        self._refuse_others(ingress)
        databases = self._database_function()
        template = self._template(databases)
        self._tell(databases=databases, shares=self._shares_function(), template=template)

    def _page_origins(self, ingress: IngressStack) -> tuple[str, ...]:
        named = self._previews.domain
        return (f"{ingress.scheme}://*.{named}",) if named else ("http://*.elb.amazonaws.com", "http://*.localhost:*")

    def _refuse_others(self, ingress: IngressStack) -> None:
        """Whoever asks for a preview without its token, or for one that is no more, gets neither another one nor the
        environment's own application."""
        # The local cloud gives its previews names that no configuration has.
        named = self.node.try_get_context("preview.domain") or self._previews.domain
        elbv2.CfnListenerRule(
            self,
            "NobodyElse",
            listener_arn=self._imports.keep("Listener", ingress.listener.listener_arn),
            priority=LAST_PRIORITY - 1,
            conditions=[host(f"*.{named}") if named else header(HEADER, "*")],
            actions=[
                elbv2.CfnListenerRule.ActionProperty(
                    type="fixed-response",
                    fixed_response_config=elbv2.CfnListenerRule.FixedResponseConfigProperty(
                        status_code="403", content_type="text/plain", message_body=_NOBODY_ELSE
                    ),
                )
            ],
        )

    def _secret(self, construct_id: str, description: str, username: str | None = None) -> secretsmanager.Secret:
        """A password, or a login in RDS's form."""
        secret = secretsmanager.Secret(
            self,
            construct_id,
            description=description,
            encryption_key=self._imports.data_key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True,
                password_length=32,
                secret_string_template=self.to_json_string({"username": username}) if username else None,
                generate_string_key="password" if username else None,
            ),
        )
        acknowledge_lasting(secret, decision=_SYNTHETIC)
        return secret

    def _group_of_tasks(self, ingress: IngressStack) -> ec2.SecurityGroup:
        data = self._data
        group = ec2.SecurityGroup(
            self, "Tasks", vpc=self._vpc, description="Tasks of previews", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_HTTPS), "AWS and OpenAI")
        group.connections.allow_to(self._database_group, ec2.Port.tcp(_POSTGRESQL), "Previews to database")
        for name, valkey in (("Broker", data.broker), ("Cache", data.cache)):
            peer = self._imports.security_group(name, valkey.security_group)
            group.connections.allow_to(peer, ec2.Port.tcp(_VALKEY), f"Previews to {name.lower()}")
        balancer = self._imports.security_group("LoadBalancer", ingress.security_group)
        group.connections.allow_from(balancer, ec2.Port.tcp(WEB_PORT), "Requests and health checks")
        return group

    # ---- the template database ----

    def _template(self, function: lambda_.IFunction) -> cdk.CustomResource:
        """Migrated and filled by the application of this release, in a task; made anew with each release."""
        image = application_image(self, "Image", architecture=self.settings.cpu_architecture)
        surroundings = dataclasses.replace(
            self._surroundings,
            database_login=self._login,
            database_name="-",  # the function says which, when it runs the task
            bucket_name=self._objects.bucket.bucket_name,
            bucket_key_id=self._objects.key.key_arn,
            namespace=Namespace(
                environment="preview-template", broker_prefix="preview-template:", object_prefix=TEMPLATE_OBJECTS
            ),
        )
        application = Application(environment=self.settings, surroundings=surroundings, release=image.release)
        task = Task(
            self,
            "SeedTask",
            props=TaskProps(
                family=f"spendsmart-{self.settings.name}-preview-seed",
                cpu=_SEED_CPU,
                memory_mib=_SEED_MEMORY_MIB,
                architecture=self.settings.cpu_architecture,
                image=image.image,
                log_group=self._logs.group("Seed"),
            ),
        )
        task.add_container(application.seed(password=self._seed_password))
        task.definition.add_to_execution_role_policy(self._decrypt_secrets())
        task.acknowledge_login()
        objects = self._objects.bucket.arn_for_objects(f"{TEMPLATE_OBJECTS}*")
        task.role.add_to_policy(iam.PolicyStatement(actions=["s3:PutObject"], resources=[objects]))
        task.role.add_to_policy(
            iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[self._objects.key.key_arn])
        )
        acknowledge_wildcard(task.role, objects, decision=OBJECTS)
        made = cdk.CustomResource(
            self,
            "Template",
            service_token=function.function_arn,
            resource_type="Custom::PreviewTemplate",
            properties={
                "Generation": image.release,
                "Migrations": migrations_digest(),
                "OwnDatabase": DATABASE_NAME,
                "SecretArn": self._login.secret_arn,
                "Seed": task.definition.task_definition_arn,
            },
        )
        made.node.add_dependency(task, self._task_group, self._cluster)
        return made

    # ---- the functions ----

    def _database_function(self) -> lambda_.IFunction:
        group = self._data.preview_functions
        if group is None:
            raise ValueError("the Data stack was made for an environment without previews")
        around = self._surroundings
        return DatabaseFunction(
            self,
            "DatabaseFunction",
            props=DatabaseFunctionProps(
                **vars(self._functions),
                vpc=self._vpc,
                security_group=self._imports.security_group("PreviewFunctions", group),
                server=around.writer,
                master=around.database_login,
                valkeys=[around.broker, around.cache],
                secrets_key=self._imports.data_key,
                logins=[LOGIN_ID],
                cluster=self._cluster,
                task_group=self._task_group,
                families=f"spendsmart-{self.settings.name}-preview-",
            ),
        ).function

    def _shares_function(self) -> lambda_.IFunction:
        return SharesFunction(
            self,
            "SharesFunction",
            props=SharesFunctionProps(
                **vars(self._functions),
                priorities=f"/spendsmart/{self.settings.name}/preview-priorities",
                most=self._previews.most,
                user_groups=[self._data.broker.user_group_id, self._data.cache.user_group_id],
                bucket=self._objects.bucket,
                template_objects=TEMPLATE_OBJECTS,
            ),
        ).function

    def _decrypt_secrets(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[self._imports.data_key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com"}},
        )

    def _tell(
        self,
        *,
        databases: lambda_.IFunction,
        shares: lambda_.IFunction,
        template: cdk.CustomResource,
    ) -> None:
        """What previews need to know, beside what this stack has imported itself."""
        for name, value in {
            "Cluster": self._cluster.cluster_name,
            "TaskSecurityGroup": self._task_group.security_group_id,
            "ObjectsBucket": self._objects.bucket.bucket_name,
            "ObjectsKey": self._objects.key.key_arn,
            "LogKey": self._logs.key.key_arn,
            "DatabaseFunction": databases.function_arn,
            "SharesFunction": shares.function_arn,
            "Template": template.get_att_string("Name"),
        }.items():
            self._imports.keep(name, value)
        cdk.CfnOutput(self, "PreviewCluster", value=self._cluster.cluster_name)
        cdk.CfnOutput(self, "PreviewPasswordSecret", value=self._seed_password.secret_arn)
