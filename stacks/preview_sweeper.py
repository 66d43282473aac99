"""What ends previews: a stack of its own, which no preview and no deployment of one can stop."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.monitoring.alarm import Severity
from infra.monitoring.metrics.application import namespace
from infra.preview_server import Callers
from infra.preview_sweeper import PreviewSweeper, SweeperProps
from infra.shared_values import SharedValues
from infra.task_logs import TaskLogs
from previews.places import priorities, stack_prefix
from stacks.data import DataStack
from stacks.ingress import IngressStack
from stacks.monitoring import MonitoringStack
from stacks.previews import PREFIX, PreviewsStack
from stacks.storage import ReceiptsStack
from stacks.surroundings import Imports


class PreviewSweeperStack(EnvironmentStack):
    """Comes after Monitoring, whose readers of P2 hear what a sweep did."""

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
        previews: PreviewsStack,
        monitoring: MonitoringStack,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        if environment.previews is None or data.preview_functions is None:
            raise ValueError(f"{environment.name} carries no previews")
        imports = Imports(self, data=data, storage=storage, ingress=ingress, prefix="preview-sweeper")
        # What the previews themselves read, this reads, too.
        shared = SharedValues(self, "Shared", prefix=f"/spendsmart/{environment.name}/{PREFIX}")
        self.add_stack_dependency(previews)
        around = imports.surroundings(None)
        named = imports.vpc(vpc)
        topic = monitoring.notifications.messages[Severity.P2]
        logs = TaskLogs(self, "Logs", retention_days=environment.logs.retention_days)
        sweeper = PreviewSweeper(
            self,
            "Sweeper",
            props=SweeperProps(
                callers=Callers(base=previews.stack_name, prefix=stack_prefix(environment.name)),
                log_retention_days=environment.logs.retention_days,
                log_key=logs.key,
                environment=environment.name,
                terms=environment.previews.life.terms,
                namespace=namespace(environment.name),
                vpc=named,
                security_group=imports.security_group("PreviewFunctions", data.preview_functions),
                server=around.writer,
                master=around.database_login,
                valkeys=[around.broker, around.cache],
                secrets_key=imports.data_key,
                cluster=ecs.Cluster.from_cluster_attributes(
                    self, "Cluster", cluster_name=shared.read("Cluster"), vpc=named, security_groups=[]
                ),
                listener=shared.read("Listener"),
                spared_rule=imports.keep("ProductionRule", ingress.production_rule.listener_rule_arn),
                user_groups=[data.broker.user_group_id, data.cache.user_group_id],
                bucket_name=shared.read("ObjectsBucket"),
                priorities=priorities(environment.name),
                topic=imports.keep("MessagesTopic", topic.topic_arn),
                topic_key=imports.keep("MessagesKey", monitoring.notifications.key.key_arn),
            ),
        )
        cdk.CfnOutput(self, "SweeperFunction", value=sweeper.function.function_name)
        cdk.CfnOutput(self, "SweeperLogGroup", value=sweeper.function.log_group.log_group_name)
