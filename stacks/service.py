"""The application: what changes with every release."""

from __future__ import annotations

from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.acknowledgement import Decision, acknowledge_wildcard
from infra.application import MIGRATION_LABEL, RELEASE_VARIABLE, Application
from infra.application_image import application_image
from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.fargate_service import FargateCluster, FargateService, Rolling, ServiceProps, TrafficShift
from infra.fargate_task import ContainerProps, Task, TaskProps
from infra.lifecycle_hooks import (
    LifecycleHook,
    MigrationHook,
    MigrationHookProps,
    SmokeTestHook,
    SmokeTestHookProps,
)
from infra.load_balancer import WEB_PORT
from infra.restart_on_rotation import RestartOnRotation
from infra.rollout_alarms import RolloutAlarmNames
from infra.scaling import scale_between, scale_on_cpu, scale_on_cpu_and_backlog
from infra.secret_pattern import secret_pattern
from infra.task_logs import TaskLogs
from stacks.data import DataStack
from stacks.edge import EdgeStack
from stacks.ingress import IngressStack
from stacks.storage import ReceiptsStack
from stacks.surroundings import Imports

_POSTGRESQL, _VALKEY, _HTTPS = 5432, 6379, 443
_TRACES = Decision(
    reason="xray:PutTraceSegments knows no resources (Service Authorization Reference); it sends traces of this task "
    "and reads none",
    owner="application",
    reference="docs/adr/0053-traces-without-a-sidecar.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)
_RECEIPTS = Decision(
    reason="Receipts get their names from the application, which decides by its own rules who sees which: the bucket"
    " is named and the prefix receipts/, the objects in it cannot be",
    owner="application",
    reference="docs/adr/0056-acknowledged-findings.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 11, 26),
)

_MIGRATION_CPU, _MIGRATION_MEMORY_MIB = 512, 1024


class ServiceStack(EnvironmentStack):
    """Cluster, web, worker and beat services, and the migration task that is run once per release.

    Whatever another stack says is imported once (`Imports`), and rules on other stacks' security groups are
    declared here, on the client's side: no other stack ever refers to this one.
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
        edge: EdgeStack | None,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        self._imports = Imports(self, data=data, storage=storage, ingress=ingress)
        self._vpc = self._imports.vpc(vpc)
        self._servers = {
            "Database": (self._imports.security_group("Database", data.database.security_group), _POSTGRESQL),
            "Broker": (self._imports.security_group("Broker", data.broker.security_group), _VALKEY),
            "Cache": (self._imports.security_group("Cache", data.cache.security_group), _VALKEY),
        }
        surroundings = self._imports.surroundings(edge)
        self._signing_secret = secret_pattern(data.jwt_signing_key, surroundings.jwt_signing_secret_arn)
        self._image = application_image(self, "Image", architecture=environment.cpu_architecture)
        self._application = Application(environment=environment, surroundings=surroundings, release=self._image.release)
        self._logs = TaskLogs(self, "Logs", retention_days=environment.logs.retention_days)
        self._cluster = FargateCluster(self, "Cluster", vpc=self._vpc, insights=environment.protect)
        self.cluster = self._cluster.cluster
        self.log_groups = self._logs.groups

        self._alarms = RolloutAlarmNames(environment=environment.name)
        migration, migration_group = self._migration()
        self.migration_task_definition = migration.definition
        web = self._web(ingress, migration=migration, migration_group=migration_group)
        worker, beat = self._worker(), self._beat()
        if environment.doubles_tasks:
            # Web's rollout migrates first, and finds out whether the release is any good.
            for background in (worker, beat):
                background.wait_for(web.resource)
        self.web, self.worker, self.beat = web.service, worker.service, beat.service
        RestartOnRotation(
            self,
            "RestartOnRotation",
            secret_arns=[
                secret.secret_arn
                for secret in (
                    surroundings.database_login,
                    surroundings.broker.password,
                    surroundings.cache.password,
                )
            ],
            services=[self.web, self.worker, self.beat],
            log_group=self._logs.group("RestartOnRotation"),
        )
        for name, service in (("Web", self.web), ("Worker", self.worker), ("Beat", self.beat)):
            cdk.CfnOutput(self, f"{name}ServiceName", value=service.service_name)
        cdk.CfnOutput(self, "ClusterName", value=self.cluster.cluster_name)

    def _web(self, ingress: IngressStack, *, migration: Task, migration_group: ec2.ISecurityGroup) -> FargateService:
        settings = self.settings.web
        container = self._application.web(migration=migration.definition.task_definition_arn)
        task = self._task("Web", container, cpu=settings.cpu, memory_mib=settings.memory_mib)
        # PutObject, as an upload by a presigned form is allowed what its signer is.
        self._allow_receipts(task, "s3:GetObject", "s3:PutObject", "s3:DeleteObject")
        self._allow_signing_keys(task)
        self._allow_traces(task)
        group = self._client_group("Web")
        balancer = self._imports.security_group("LoadBalancer", ingress.security_group)
        group.connections.allow_from(balancer, ec2.Port.tcp(WEB_PORT), "Requests and health checks")
        rollout: Rolling | TrafficShift = Rolling()
        if self.settings.doubles_tasks:
            rollout = TrafficShift(
                config=self.settings.rollout,
                alarm_names=self._alarms.web,
                hooks=[
                    self._migration_hook(migration, migration_group),
                    self._smoke_test_hook(ingress),
                ],
                alternate=ingress.green,
                production_rule=ingress.production_rule,
                test_rule=ingress.test_rule,
            )
        web = self._service("Web", task, group, rollout=rollout, target_group=ingress.blue, grace_seconds=60)
        scale_on_cpu(scale_between(web.service, settings), web.service, settings)
        return web

    def _worker(self) -> FargateService:
        settings = self.settings.worker
        task = self._task("Worker", self._application.worker(), cpu=settings.cpu, memory_mib=settings.memory_mib)
        # It stores the pictures that people see, and deletes them again if the receipt was deleted meanwhile.
        self._allow_receipts(task, "s3:GetObject", "s3:PutObject", "s3:DeleteObject")
        self._allow_traces(task)
        worker = self._service(
            "Worker",
            task,
            self._client_group("Worker"),
            rollout=self._in_background(),
            spot_beyond=settings.on_demand_base,
        )
        count = scale_between(worker.service, settings)
        scale_on_cpu_and_backlog(count, worker.service, settings, namespace=f"SpendSmart/{self.settings.name}")
        return worker

    def _beat(self) -> FargateService:
        settings = self.settings.beat
        task = self._task("Beat", self._application.beat(), cpu=settings.cpu, memory_mib=settings.memory_mib)
        return self._service("Beat", task, self._client_group("Beat"), rollout=self._in_background(), singleton=True)

    def _in_background(self) -> Rolling:
        return Rolling(alarm_names=self._alarms.background if self.settings.doubles_tasks else [])

    def _migration(self) -> tuple[Task, ec2.ISecurityGroup]:
        """Run by web's rollout, or by whoever releases: the outputs say all that `ecs run-task` asks for."""
        task = self._task(
            "Migration",
            self._application.migrate(),
            cpu=_MIGRATION_CPU,
            memory_mib=_MIGRATION_MEMORY_MIB,
            pooled=False,
        )
        group = self._client_group("Migration", servers=("Database",))
        subnets = ",".join(subnet.subnet_id for subnet in self._vpc.private_subnets)
        cdk.CfnOutput(self, "MigrationTaskDefinition", value=task.definition.task_definition_arn)
        cdk.CfnOutput(self, "MigrationSubnets", value=subnets)
        cdk.CfnOutput(self, "MigrationSecurityGroup", value=group.security_group_id)
        return task, group

    def _migration_hook(self, task: Task, group: ec2.ISecurityGroup) -> LifecycleHook:
        return MigrationHook(
            self,
            "MigrationHook",
            props=MigrationHookProps(
                cluster=self.cluster,
                timeout_minutes=self.settings.rollout.migration_timeout_minutes,
                log_group=self._logs.group("MigrationHook"),
                task=task,
                label=MIGRATION_LABEL,
                subnets=self._vpc.private_subnets,
                security_group=group,
            ),
        ).hook

    def _smoke_test_hook(self, ingress: IngressStack) -> LifecycleHook:
        name, port = self._imports.balancer_name, ingress.test_port
        return SmokeTestHook(
            self,
            "SmokeTestHook",
            props=SmokeTestHookProps(
                cluster=self.cluster,
                timeout_minutes=self.settings.rollout.smoke_test_timeout_minutes,
                log_group=self._logs.group("SmokeTestHook"),
                test_url=f"{ingress.scheme}://{name}:{port}",
                host=self.settings.domain.name if self.settings.domain else name,
                release_variable=RELEASE_VARIABLE,
                vpc=self._vpc,
                security_group=self._imports.security_group("SmokeTest", ingress.smoke_test_security_group),
            ),
        ).hook

    def _task(self, name: str, container: ContainerProps, *, cpu: int, memory_mib: int, pooled: bool = True) -> Task:
        task = Task(
            self,
            f"{name}Task",
            props=TaskProps(
                family=f"spendsmart-{self.settings.name}-{name.lower()}",
                cpu=cpu,
                memory_mib=memory_mib,
                architecture=self.settings.cpu_architecture,
                image=self._image.image,
                log_group=self._logs.group(name),
                allow_exec=self.settings.features.exec,
            ),
        )
        # CDK grants the secrets, but with an imported key not the key that they are encrypted with.
        task.definition.add_to_execution_role_policy(self._decrypt_secrets())
        # The load balancer sends to the default container, which would be the first one.
        pool = task.add_container(self._application.pgbouncer(web=name == "Web")) if pooled else None
        task.definition.default_container = task.add_container(container, after=pool)
        task.acknowledge_login()
        return task

    def _service(
        self,
        name: str,
        task: Task,
        group: ec2.ISecurityGroup,
        *,
        rollout: Rolling | TrafficShift,
        target_group: elbv2.IApplicationTargetGroup | None = None,
        singleton: bool = False,
        spot_beyond: int | None = None,
        grace_seconds: int | None = None,
    ) -> FargateService:
        return FargateService(
            self,
            name,
            props=ServiceProps(
                cluster=self._cluster,
                task=task,
                security_group=group,
                subnets=self._vpc.private_subnets,
                rollout=rollout,
                target_group=target_group,
                singleton=singleton,
                spot_beyond=spot_beyond,
                grace_seconds=grace_seconds,
                allow_exec=self.settings.features.exec,
            ),
        )

    def _allow_receipts(self, task: Task, *actions: str) -> None:
        """Receipt objects and nothing else in the bucket.

        ListBucket is what makes S3 answer 404 for an object that is not there. Without it the answer is 403, as for a
        right that is missing, and an upload that never came could not be told from a role that is wrong.
        """
        receipts = self.format_arn(
            service="s3", region="", account="", resource=self._imports.bucket, resource_name="receipts/*"
        )
        bucket = self.format_arn(service="s3", region="", account="", resource=self._imports.bucket)
        key_actions = ["kms:Decrypt", *(["kms:GenerateDataKey"] if "s3:PutObject" in actions else [])]
        task.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[receipts]))
        task.role.add_to_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket]))
        task.role.add_to_policy(iam.PolicyStatement(actions=key_actions, resources=[self._imports.bucket_key]))
        acknowledge_wildcard(task.role, receipts, decision=_RECEIPTS)

    def _allow_signing_keys(self, task: Task) -> None:
        """Only who makes and checks tokens reads the keys; a rotation is taken over without a restart."""
        task.role.add_to_policy(
            iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[self._signing_secret])
        )
        task.role.add_to_policy(self._decrypt_secrets())

    def _allow_traces(self, task: Task) -> None:
        """X-Ray knows no resources that could be named (Service Authorization Reference, "AWS X-Ray")."""
        if self.settings.tracing.sample_percent:
            task.role.add_to_policy(iam.PolicyStatement(actions=["xray:PutTraceSegments"], resources=["*"]))
            acknowledge_wildcard(task.role, "*", decision=_TRACES)

    def _decrypt_secrets(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=["kms:Decrypt"],
            resources=self._imports.secret_keys,
            conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com"}},
        )

    def _client_group(
        self, name: str, *, servers: tuple[str, ...] = ("Database", "Broker", "Cache")
    ) -> ec2.SecurityGroup:
        """May reach the named servers and HTTPS (AWS, OpenAI), and nothing else."""
        group = ec2.SecurityGroup(
            self,
            f"{name}TaskSecurityGroup",
            vpc=self._vpc,
            description=f"SpendSmart {self.settings.name}: {name.lower()} tasks",
            allow_all_outbound=False,
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_HTTPS), "AWS and OpenAI")
        for server in servers:
            peer, port = self._servers[server]
            group.connections.allow_to(peer, ec2.Port.tcp(port), f"{name} to {server.lower()}")
        return group
