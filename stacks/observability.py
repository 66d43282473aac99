"""What watches the platform. It stands before Service, whose rollouts watch some of its alarms."""

from __future__ import annotations

from constructs import Construct

from infra.config import Environment
from infra.environment_stack import EnvironmentStack
from infra.imported_values import ImportedValues
from infra.rollout_alarms import RolloutAlarms, RolloutAlarmsProps
from stacks.data import DataStack
from stacks.ingress import IngressStack


class ObservabilityStack(EnvironmentStack):
    """Alarms on what Ingress and Data hold. Whatever another stack says is imported once (`ImportedValues`)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        ingress: IngressStack,
        data: DataStack,
    ) -> None:
        super().__init__(scope, construct_id, environment=environment, region=environment.regions.primary)
        imported = ImportedValues(self, "Imported", prefix=f"/spendsmart/{environment.name}/observability")
        RolloutAlarms(
            self,
            "RolloutAlarms",
            props=RolloutAlarmsProps(
                environment=environment.name,
                config=environment.rollout,
                load_balancer=imported.keep("LoadBalancer", ingress.load_balancer.load_balancer_full_name),
                blue=imported.keep("BlueTargetGroup", ingress.blue.target_group_full_name),
                green=imported.keep("GreenTargetGroup", ingress.green.target_group_full_name),
                database=imported.keep("Database", data.database.writer.instance_identifier),
                max_connections=environment.database.max_connections,
            ),
        )
