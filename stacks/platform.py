"""The composition root: which stacks an environment has, and in which order they are deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from infra.config import load_environment
from infra.defaults import injectors
from stacks.network import NetworkStack

_CDK_JSON = Path(__file__).resolve().parent.parent / "cdk.json"


class SpendSmartPlatform(cdk.App):
    """All stacks of one environment, cut by how often and how dangerously they change.

    - Network: VPC; almost never changes.
    - Data, Storage: what must not be lost, with copies in a second region (StorageReplica, BackupReplica first,
      as their keys and names have to exist before anything is copied there).
    - Ingress, RegionalWaf, Edge: the way in, from the load balancer outwards.
    - Service: what changes with every release.
    - Backup: plans and restore tests; finds what to copy by tag, so it references no other stack.

    A stack may reference those above it, by few and weak references (docs/adr/0003).
    """

    def __init__(
        self, *, environment: str | None = None, validate: bool | None = None, outdir: str | None = None
    ) -> None:
        """`environment` is a file name in `config/`; by default the context value `env`, or dev.

        `validate` switches CDK's built-in template validation; by default CDK_VALIDATION decides.
        Raises ConfigurationError naming every fault of the configuration.
        """
        super().__init__(
            # The CLI passes these itself; `python app.py` and tests would otherwise run without feature flags.
            context=json.loads(_CDK_JSON.read_text())["context"],
            property_injectors=injectors(),
            builtin_cloud_formation_validation=validate,
            outdir=outdir,
        )
        name = environment or self.node.try_get_context("env") or "dev"
        self.environment = load_environment(name)
        cdk.Tags.of(self).add("Project", "SpendSmart")
        cdk.Tags.of(self).add("Environment", self.environment.name)
        self._compose()

    def _compose(self) -> None:
        shared: dict[str, Any] = {"environment": self.environment}
        self.network = NetworkStack(self, "Network", **shared)
