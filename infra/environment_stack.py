"""The base of every stack: named after its environment, in a concrete account and region, protected where it must be."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.config import Environment


class EnvironmentStack(cdk.Stack):
    """A stack `SpendSmart-<Environment>-<id>`.

    `stateful` stacks hold data: in a protected environment they cannot be deleted, and neither can what is in them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, region: str, stateful: bool = False
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"SpendSmart-{environment.name.capitalize()}-{construct_id}",
            env=cdk.Environment(account=environment.account, region=region),
            termination_protection=stateful and environment.protect,
            cross_region_references=True,
        )
        self.settings = environment
        self.removal_policy = (
            cdk.RemovalPolicy.RETAIN if stateful and environment.protect else cdk.RemovalPolicy.DESTROY
        )

    def physical_name(self, purpose: str) -> str:
        """A name that another region can know beforehand: globally unique, the same at each synth."""
        return f"spendsmart-{self.settings.name}-{purpose}-{self.settings.account}-{self.region}"
