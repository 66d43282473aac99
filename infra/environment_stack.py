"""The base of every stack: named after its environment, in a concrete account and region, protected where needed."""

from __future__ import annotations

import aws_cdk as cdk
import jsii
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.config import Environment
from infra.imported_values import ImportedValues


class EnvironmentStack(cdk.Stack):
    """A stack `SpendSmart-<Environment>-<id>`.

    `stateful` stacks hold data: in a protected environment they cannot be deleted, and neither can what is in them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, region: str, stateful: bool = False
    ) -> None:
        # Before the base class: its constructor may ask for the availability zones.
        self.settings = environment
        self._region = region
        name = f"SpendSmart-{environment.name.capitalize()}-{construct_id}"
        super().__init__(
            scope,
            name,
            stack_name=name,
            env=cdk.Environment(account=environment.account, region=region),
            termination_protection=stateful and environment.protect,
            cross_region_references=True,
        )
        # Retained, unless the very deployment that made it fails: an empty database with a taken name helps nobody.
        retain, destroy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, cdk.RemovalPolicy.DESTROY
        self.removal_policy = retain if stateful and environment.protect else destroy
        self.log_key: kms.IKey | None = None
        """What log groups of this stack are encrypted with, unless they name a key themselves (`infra.defaults`)."""

    def encrypt_logs_with(self, key: kms.IKey) -> None:
        """Use another stack's key for the log groups that are made from now on."""
        values = ImportedValues(
            self,
            "ImportedForLogs",
            prefix=f"/spendsmart/{self.settings.name}/{self.node.id.rsplit('-', 1)[-1].lower()}",
        )
        self.log_key = kms.Key.from_key_arn(self, "LogKey", values.keep("LogKeyArn", key.key_arn))

    @property
    @jsii.member(jsii_name="availabilityZones")
    def availability_zones(self) -> list[str]:
        """Zones a, b and c of the region, so that no synth has to ask AWS.

        In a region that lacks one of them, put the zones into `cdk.context.json` under CDK's own key,
        `availability-zones:account=<account>:region=<region>`.
        """
        key = f"availability-zones:account={self.settings.account}:region={self._region}"
        zones: list[str] | None = self.node.try_get_context(key)
        return zones or [f"{self._region}{letter}" for letter in "abc"]

    def physical_name(self, purpose: str) -> str:
        """A name that another region can know beforehand: globally unique, the same at each synth."""
        return physical_name(self.settings, purpose, region=self._region)


def physical_name(environment: Environment, purpose: str, *, region: str) -> str:
    """The name that `EnvironmentStack.physical_name` gives in `region`."""
    return f"spendsmart-{environment.name}-{purpose}-{environment.account}-{region}"
