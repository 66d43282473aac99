"""Functions: where events go that a function failed on, which MiniStack's CloudFormation leaves out."""

# ruff: noqa: ARG002 - the signatures are those of registry.Completion.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services import lambda_svc

from localcloud.emulator.registry import Completion, Properties, Wanted, resource


@resource("AWS::Lambda::Function")
class Function(Completion):
    def complete(self, ref: str, before: Properties, wanted: Wanted) -> Mapping[str, Any]:
        configuration = lambda_svc._functions[ref]["config"]
        if letters := wanted.properties.get("DeadLetterConfig"):
            configuration["DeadLetterConfig"] = dict(letters)
        else:
            configuration.pop("DeadLetterConfig", None)
        return {}
