"""Values of other stacks, each read once per template however often it is used."""

from __future__ import annotations

from aws_cdk import aws_ssm as ssm
from constructs import Construct


class ImportedValues(Construct):
    """Keeps what another stack told in a parameter of this one, and hands out references to that.

    A weak reference (`Fn::GetStackOutput`) is resolved anew at each place where it stands, and templates with many of
    them were throttled (aws-cdk#38010). Task definitions repeat the same hosts and secrets in every container; with
    this, each costs one.
    """

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str) -> None:
        """`prefix` begins the parameters' names, as in `/spendsmart/dev/service`."""
        super().__init__(scope, construct_id)
        self._prefix = prefix

    def keep(self, name: str, value: str) -> str:
        """A token for `value` that can be used any number of times in this stack."""
        parameter = ssm.CfnParameter(self, name, name=f"{self._prefix}/{name}", type="String", value=value)
        return parameter.attr_value
