"""Values that another stack of the environment has left in Systems Manager: read when a stack is deployed."""

from __future__ import annotations

from aws_cdk import aws_ssm as ssm
from constructs import Construct


class SharedValues(Construct):
    """Reads `<prefix>/<name>`, as `ImportedValues` and its like wrote it.

    No reference between the stacks: each is deployed by itself, and takes what the other said last.
    """

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str) -> None:
        super().__init__(scope, construct_id)
        self._prefix = prefix

    def read(self, name: str) -> str:
        """A token. The deployment fails, naming the parameter, where nobody has written it."""
        return ssm.StringParameter.value_for_string_parameter(self, f"{self._prefix}/{name}")
