"""The CDK app of the tooling account: `npx cdk synth -c pipeline=1`."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk

from infra.config.loading import FOLDER
from infra.defaults import injectors
from pipelines.config import FILE, load_delivery, load_stages
from pipelines.stack import PipelineStack

_CDK_JSON = FOLDER.parent / "cdk.json"

CONTEXT = "pipeline"
"""The context value that asks for this app instead of an environment's."""


class DeliveryApp(cdk.App):
    """The pipelines of `config/tooling/pipeline.toml`."""

    def __init__(self, *, validate: bool | None = None, outdir: str | None = None, configuration: Path = FILE) -> None:
        """`validate` switches CDK's built-in template validation; by default CDK_VALIDATION decides.

        Raises ConfigurationError naming every fault of the configuration.
        """
        super().__init__(
            context=json.loads(_CDK_JSON.read_text())["context"],
            property_injectors=injectors(),
            builtin_cloud_formation_validation=validate,
            outdir=outdir,
        )
        delivery = load_delivery(configuration)
        cdk.Tags.of(self).add("Project", "SpendSmart")
        cdk.Tags.of(self).add("Environment", "tooling")
        self.stack = PipelineStack(self, delivery=delivery, stages=load_stages(delivery))
