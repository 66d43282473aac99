"""One branch's web and worker services, on what the environment's previews share. It lives for hours."""

from __future__ import annotations

from datetime import date
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct, IDependable

from infra.acknowledgement import Decision, acknowledge_lasting, acknowledge_wildcard
from infra.application import Application, Namespace, Server, Surroundings, Valkey
from infra.application_image import application_image
from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.fargate_service import FargateService, ServiceProps, SharedCluster
from infra.fargate_task import ContainerProps, Task, TaskProps
from infra.load_balancer import WebTargetGroup
from infra.migrations import migrations_digest
from infra.preview_server import OBJECTS
from infra.preview_settings import PreviewSettings, as_in_a_preview
from infra.retention import retention
from infra.rule_conditions import header, host, query
from infra.shared_values import SharedValues
from infra.valkey import tenant_access
from previews.names import PreviewName
from previews.places import ACCESS_COOKIE, ACCESS_QUERY, HEADER
from stacks.previews import LOGIN_ID, PREFIX

_GOES_WITH_IT = Decision(
    reason="It is made with the preview and goes with it, after 72 hours at the latest unless somebody pushes, "
    "and opens synthetic data alone: its life is shorter than any rotation",
    owner="platform",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

_WEB_CPU, _WEB_MEMORY_MIB = 256, 512
_WORKER_CPU, _WORKER_MEMORY_MIB = 256, 1024
"""Fargate's smallest, and for the worker the next: reading a photograph takes 450 MiB, its largest pictures 600."""

_PATIENCE = 180
"""Seconds for which a web task may wait for its database. ECS replaces it then, and gives up after the third."""

_MIGRATION_CPU, _MIGRATION_MEMORY_MIB = 256, 512


class PreviewStack(EnvironmentStack):
    """A database made from the template, a user of its own everywhere, and two services on Spot.

    It takes no other stack's constructs: what is shared it reads from Systems Manager when it is deployed, so that it
    is deployed and deleted by itself. Nothing in it has a name that a second one could want, and all of it goes with
    the stack; what CloudFormation cannot undo (databases, priorities, objects) is a custom resource.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        preview: PreviewName,
        settings: PreviewSettings,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=as_in_a_preview(environment, settings),
            region=environment.regions.primary,
        )
        cdk.Tags.of(self).add("Preview", preview.name)
        cdk.Tags.of(self).add("PreviewBranch", preview.tag)
        # Not the commit: a tag goes to every resource, and would make each push an update of all.
        for name, said in (("Owner", settings.owner), ("PullRequest", settings.pull_request)):
            if said:
                cdk.Tags.of(self).add(f"Preview{name}", said)
        self._preview = preview
        self._options = settings
        self._shared = SharedValues(self, "Shared", prefix=f"/spendsmart/{environment.name}/{PREFIX}")
        self._data_key = kms.Key.from_key_arn(self, "DataKey", self._shared.read("DataKeyArn"))
        self._vpc = self._named_vpc()
        self._group = ec2.SecurityGroup.from_security_group_id(
            self, "Tasks", self._shared.read("TaskSecurityGroup"), mutable=False
        )
        self._cluster = ecs.Cluster.from_cluster_attributes(
            self, "Cluster", cluster_name=self._shared.read("Cluster"), vpc=self._vpc, security_groups=[]
        )
        self._log_group = logs.LogGroup(
            self,
            "Logs",
            retention=retention(environment.logs.retention_days),
            encryption_key=kms.Key.from_key_arn(self, "LogKey", self._shared.read("LogKey")),
        )
        self._image = application_image(self, "Image", architecture=environment.cpu_architecture)
        self._login = self._secret(LOGIN_ID, "Login of the database role", username=preview.identifier)
        self._valkey_password = self._secret("ValkeyPassword", "Password of the Valkey user")
        self._django_key = self._secret("DjangoSecretKey", "Django's SECRET_KEY")
        self._signing_key = self._secret("JwtSigningKey", "Signs the access and refresh tokens")
        self._access_token = None if settings.open else self._secret("AccessToken", "What people need to get in")
        self._openai_key = self._shared_secret("OpenAiApiKey") if self.settings.features.openai else None

        generation = f"{self._image.release} {settings.reset}".strip()
        role = self._share("Role", "DatabaseFunction", SecretArn=self._login.secret_arn)
        database = self._database(role, generation)
        # A new database has its name from the moment that it is migrated, and the tasks start meanwhile: none is ready
        # before (docs/adr/0067). One that is kept is there, and is migrated first.
        name = database.get_att_string("Name") if settings.keep_data else preview.database(generation)
        application = self._application_on(name)
        target_group, rules = self._way_in()
        web = self._service("Web", application.web(migration=None), application, target_group=target_group)
        worker = self._service("Worker", application.worker(with_beat=True), application)
        needed: list[IDependable] = [role, *self._shares()]
        # ECS takes a target group once a rule leads to it.
        web.wait_for(*needed, *rules)
        worker.wait_for(*needed)
        cdk.CfnOutput(self, "PreviewUrl", value=self._url())
        cdk.CfnOutput(self, "PreviewRelease", value=self._image.release)
        cdk.CfnOutput(self, "PreviewDatabase", value=database.get_att_string("Name"))
        cdk.CfnOutput(self, "PreviewLogs", value=self._log_group.log_group_name)
        if settings.commit:
            cdk.CfnOutput(self, "PreviewCommit", value=settings.commit)
        if self._access_token:
            cdk.CfnOutput(self, "PreviewAccessToken", value=self._access_token.secret_arn)

    # ---- what is shared ----

    def _named_vpc(self) -> ec2.IVpc:
        zones = self.availability_zones[: self.settings.network.availability_zones]
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=self._shared.read("VpcId"),
            availability_zones=zones,
            private_subnet_ids=[self._shared.read(f"PrivateSubnet{number}") for number in range(1, len(zones) + 1)],
        )
        for subnet in vpc.private_subnets:
            cdk.Annotations.of(subnet).acknowledge_warning(
                "@aws-cdk/aws-ec2:noSubnetRouteTableId", "Nothing here adds routes."
            )
        return vpc

    def _server(self, name: str) -> Server:
        return Server(host=self._shared.read(f"{name}Host"), port=self._shared.read(f"{name}Port"))

    def _shared_secret(self, name: str) -> secretsmanager.ISecret:
        return secretsmanager.Secret.from_secret_attributes(
            self, name, secret_complete_arn=self._shared.read(f"{name}Arn"), encryption_key=self._data_key
        )

    def _share(self, kind: str, function: str, **properties: str) -> cdk.CustomResource:
        """What one of the functions hands out to this stack, and takes back when it is deleted."""
        return cdk.CustomResource(
            self,
            kind,
            service_token=self._shared.read(function),
            resource_type=f"Custom::Preview{kind}",
            properties=dict(properties),
        )

    # ---- what is its own ----

    def _secret(self, construct_id: str, description: str, *, username: str | None = None) -> secretsmanager.Secret:
        """A password, or a login in RDS's form."""
        secret = secretsmanager.Secret(
            self,
            construct_id,
            description=f"{description} of preview {self._preview.name}",
            encryption_key=self._data_key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True,
                password_length=64,
                secret_string_template=self.to_json_string({"username": username}) if username else None,
                generate_string_key="password" if username else None,
            ),
        )
        acknowledge_lasting(secret, decision=_GOES_WITH_IT)
        return secret

    def _database(self, role: cdk.CustomResource, generation: str) -> cdk.CustomResource:
        """From the template, then migrated by this release's own migrations; another generation is a new one."""
        # The function says which database when it runs the task.
        task = self._task("Migration", cpu=_MIGRATION_CPU, memory_mib=_MIGRATION_MEMORY_MIB)
        task.add_container(self._application_on("-").migrate())
        task.acknowledge_login()
        database = self._share(
            "Database",
            "DatabaseFunction",
            Template=self._shared.read("Template"),
            Generation=generation,
            Keep="true" if self._options.keep_data else "false",
            Migrations=migrations_digest(),
            Migration=task.definition.task_definition_arn,
        )
        database.node.add_dependency(role, task)
        return database

    def _shares(self) -> list[cdk.CustomResource]:
        name = self._preview.environment
        user = elasticache.CfnUser(
            self,
            "User",
            engine="valkey",
            user_id=name,
            user_name=name,
            access_string=tenant_access(self._preview.key_prefix),
            # A dynamic reference: the password itself is in no template.
            passwords=[self._valkey_password.secret_value.unsafe_unwrap()],
        )
        member = self._share("ValkeyUser", "SharesFunction")
        member.node.add_dependency(user)
        keys = self._share("Keys", "DatabaseFunction")
        return [member, keys, self._share("Objects", "SharesFunction", Template=self._shared.read("Template"))]

    def _way_in(self) -> tuple[WebTargetGroup, list[elbv2.CfnListenerRule]]:
        """With a token two rules: who has the cookie, and who opens the link, which is answered with the cookie. All
        others come to the rule that the environment has for them."""
        group = WebTargetGroup(self, "TargetGroup", vpc=self._vpc, impatient=True)
        priority = self._share("Priority", "SharesFunction")
        if self._access_token is None:
            return group, [self._rule("Rule", priority.get_att("Priority"), group)]
        token = self._access_token.secret_value.unsafe_unwrap()
        return group, [
            self._rule("Rule", priority.get_att("Priority"), group, header("Cookie", f"*{ACCESS_COOKIE}={token}*")),
            self._rule("LinkRule", priority.get_att("LinkPriority"), group, query(ACCESS_QUERY, token)),
        ]

    def _rule(self, construct_id: str, priority: cdk.Reference, group: WebTargetGroup, *more: Any) -> Any:
        return elbv2.CfnListenerRule(
            self,
            construct_id,
            listener_arn=self._shared.read("Listener"),
            priority=cdk.Token.as_number(priority),
            conditions=[self._condition(), *more],
            actions=[elbv2.CfnListenerRule.ActionProperty(type="forward", target_group_arn=group.target_group_arn)],
        )

    def _condition(self) -> Any:
        domain = self._options.domain
        return host(self._preview.host(domain)) if domain else header(HEADER, self._preview.name)

    def _host(self) -> str:
        domain = self._options.domain
        return self._preview.host(domain) if domain else self._shared.read("LoadBalancerDnsName")

    def _url(self) -> str:
        return f"{'https' if self.settings.domain else 'http'}://{self._host()}"

    # ---- the application ----

    def _application_on(self, database: str) -> Application:
        preview, writer = self._preview, self._server("Writer")
        surroundings = Surroundings(
            writer=writer,
            reader=writer,
            database_login=self._login,
            broker=Valkey(server=self._server("Broker"), username=preview.environment, password=self._valkey_password),
            cache=Valkey(server=self._server("Cache"), username=preview.environment, password=self._valkey_password),
            django_secret_key=self._django_key,
            jwt_signing_secret_arn=self._signing_key.secret_arn,
            openai_api_key=self._openai_key,
            signed_images=None,
            bucket_name=self._shared.read("ObjectsBucket"),
            bucket_key_id=self._shared.read("ObjectsKey"),
            hosts=[self._host()],
            origins=[self._url()],
            database_name=database,
            namespace=Namespace(
                environment=preview.environment,
                broker_prefix=preview.key_prefix,
                object_prefix=preview.object_prefix,
                access_token=self._access_token,
            ),
        )
        return Application(environment=self.settings, surroundings=surroundings, release=self._image.release)

    def _task(self, name: str, *, cpu: int, memory_mib: int) -> Task:
        task = Task(
            self,
            f"{name}Task",
            props=TaskProps(
                family=f"spendsmart-{self.settings.name}-{self._preview.environment}-{name.lower()}",
                cpu=cpu,
                memory_mib=memory_mib,
                architecture=self.settings.cpu_architecture,
                image=self._image.image,
                log_group=self._log_group,
            ),
        )
        # CDK grants the secrets, but with an imported key not the key that they are encrypted with.
        task.definition.add_to_execution_role_policy(self._decrypt_secrets())
        return task

    def _service(
        self,
        name: str,
        container: ContainerProps,
        application: Application,
        *,
        target_group: WebTargetGroup | None = None,
    ) -> FargateService:
        web = target_group is not None
        task = self._task(
            name,
            cpu=_WEB_CPU if web else _WORKER_CPU,
            memory_mib=_WEB_MEMORY_MIB if web else _WORKER_MEMORY_MIB,
        )
        pool = task.add_container(application.pgbouncer(web=web))
        task.definition.default_container = task.add_container(container, after=pool)
        task.acknowledge_login()
        self._allow(task, signs_tokens=web)
        return FargateService(
            self,
            name,
            props=ServiceProps(
                cluster=SharedCluster(cluster=self._cluster),
                task=task,
                security_group=self._group,
                subnets=self._vpc.private_subnets,
                target_group=target_group,
                # The worker is the scheduler, too, of which there may be one only.
                singleton=not web,
                spot_beyond=0,
                grace_seconds=_PATIENCE if web else None,
            ),
        )

    def _allow(self, task: Task, *, signs_tokens: bool) -> None:
        """Its own objects and nothing else in the bucket, and its own keys."""
        bucket, prefix = self._shared.read("ObjectsBucket"), self._preview.object_prefix
        whole = self.format_arn(service="s3", region="", account="", resource=bucket)
        own = f"{whole}/{prefix}*"
        task.role.add_to_policy(
            iam.PolicyStatement(actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], resources=[own])
        )
        acknowledge_wildcard(task.role, own, decision=OBJECTS)
        # Without the condition it could list what others have. With it S3 answers 403 instead of 404 for an object
        # that is not there, and the application says "later" instead of "never".
        task.role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"], resources=[whole], conditions={"StringLike": {"s3:prefix": f"{prefix}*"}}
            )
        )
        task.role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[self._shared.read("ObjectsKey")]
            )
        )
        if signs_tokens:
            task.role.add_to_policy(
                iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[self._signing_key.secret_arn])
            )
            task.role.add_to_policy(self._decrypt_secrets())

    def _decrypt_secrets(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=[self._data_key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com"}},
        )
