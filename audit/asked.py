"""Writes down which validation plugins a synth has asked: its report leaves out those that had nothing to say."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import aws_cdk as cdk
import jsii

from audit.validation import BUILT_IN, PLUGINS


@jsii.implements(cdk.IPolicyValidationPlugin)
class Asked:
    """To be added after all others: `add_plugins(*plugins, Asked(plugins))`."""

    def __init__(self, plugins: Sequence[cdk.IPolicyValidationPlugin]) -> None:
        self._plugins = plugins

    @property
    def name(self) -> str:
        return "Asked"

    @property
    def version(self) -> str:
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        return []

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """CDK's own validation can be switched off from outside (`--no-validation`), the plugins cannot."""
        asked = {plugin.name: plugin.version or "" for plugin in self._plugins}
        if os.environ.get("CDK_VALIDATION", "true").lower() != "false":
            asked[BUILT_IN] = ""
        file = Path(context.template_paths[0]).parent / PLUGINS
        file.write_text(json.dumps(asked, indent=1, sort_keys=True) + "\n")
        return cdk.PolicyValidationPluginReport(success=True, violations=[])
