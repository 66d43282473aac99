"""A CDK app of one preview: `cdk deploy -c env=preview -c preview=<branch>`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk

from infra.config import ConfigurationError, load_environment
from infra.defaults import injectors
from infra.permissions import bound_roles, without_inline_policies
from infra.preview_settings import PreviewSettings
from previews.names import PreviewName, PreviewNameError, tag_value
from stacks.network import boundary_arn
from stacks.preview import PreviewStack

CONTEXT = "preview"
"""The branch, or a name. What else can be said of it: `preview.domain`, `preview.data=keep`, `preview.reset=<word>`,
`preview.access=open` or `token`, and for people `preview.commit`, `preview.owner` and `preview.pull_request`."""

_CDK_JSON = Path(__file__).resolve().parent.parent / "cdk.json"
_DATA = ("fresh", "keep")
_ACCESS = ("token", "open")


class PreviewApp(cdk.App):
    """Nothing but the preview's own stack, so that it is synthesized and deployed without the environment's others."""

    def __init__(
        self,
        *,
        environment: str | None = None,
        branch: str | None = None,
        validate: bool | None = None,
        outdir: str | None = None,
        context: Mapping[str, object] | None = None,
    ) -> None:
        """`environment` carries the preview of `branch`; by default the context values `env`, or preview, and
        `preview`. Raises ConfigurationError for a name that cannot be one, too."""
        super().__init__(
            # The CLI passes these itself; `python app.py` and tests would otherwise run without feature flags.
            context={**json.loads(_CDK_JSON.read_text())["context"], **(context or {})},
            property_injectors=injectors(),
            builtin_cloud_formation_validation=validate,
            outdir=outdir,
        )
        name = environment or self.node.try_get_context("env") or "preview"
        try:
            preview = PreviewName.of(branch or str(self.node.try_get_context(CONTEXT)))
        except PreviewNameError as error:
            raise ConfigurationError(str(error)) from error
        self.environment = load_environment(name)
        cdk.Tags.of(self).add("Project", "SpendSmart")
        cdk.Tags.of(self).add("Environment", self.environment.name)
        self.stack = PreviewStack(
            self, preview.stack, environment=self.environment, preview=preview, settings=self._settings()
        )
        bound_roles(self.stack, boundary_arn(self.stack))
        without_inline_policies(self)

    def _settings(self) -> PreviewSettings:
        previews = self.environment.previews
        data = self.node.try_get_context(f"{CONTEXT}.data") or "fresh"
        if data not in _DATA:
            raise ConfigurationError(f"{CONTEXT}.data = {data!r}\n      accepted: {' or '.join(_DATA)}")
        domain = self.node.try_get_context(f"{CONTEXT}.domain") or (previews.domain if previews else None)
        return PreviewSettings(
            domain=domain,
            keep_data=data == "keep",
            reset=str(self.node.try_get_context(f"{CONTEXT}.reset") or ""),
            open=self._access(domain) == "open",
            commit=self._said("commit"),
            owner=self._said("owner"),
            pull_request=self._said("pull_request"),
        )

    def _said(self, name: str) -> str:
        return tag_value(str(self.node.try_get_context(f"{CONTEXT}.{name}") or ""))

    def _access(self, domain: str | None) -> str:
        """By a token, but on this very machine, which nobody else reaches."""
        default = "open" if domain and domain.endswith("localhost") else "token"
        access = str(self.node.try_get_context(f"{CONTEXT}.access") or default)
        if access not in _ACCESS:
            raise ConfigurationError(f"{CONTEXT}.access = {access!r}\n      accepted: {' or '.join(_ACCESS)}")
        return access
