"""What a preview costs a day, from its template alone."""

from __future__ import annotations

from typing import Any

import pytest

from infra.config import load_environment
from plan.previews import cost, daily_usd


def _template(**more: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "Task": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {"Cpu": "256", "Memory": "512", "RuntimePlatform": {"CpuArchitecture": "ARM64"}},
            },
            "Web": {
                "Type": "AWS::ECS::Service",
                "Properties": {
                    "TaskDefinition": {"Ref": "Task"},
                    "CapacityProviderStrategy": [{"CapacityProvider": "FARGATE_SPOT", "Weight": 1}],
                },
            },
            "Login": {"Type": "AWS::SecretsManager::Secret", "Properties": {}},
            **more,
        }
    }


def _daily(template: dict[str, Any]) -> float | None:
    usage = load_environment("preview").usage
    return daily_usd(cost(name="SpendSmart-Preview-Preview-x", template=template, region="us-east-1", usage=usage))


def test_a_day_is_tasks_on_spot_and_secrets() -> None:
    # A quarter of a vCPU and half a GB for 730 hours of a month at 40 %, and one secret for a month.
    month = 0.4 * 730 * (0.25 * 0.03238 + 0.5 * 0.00356) + 0.40
    assert _daily(_template()) == pytest.approx(month / (365 / 12), rel=0.01)


def test_a_sum_that_lacks_something_is_none() -> None:
    assert _daily(_template(Odd={"Type": "AWS::QLDB::Ledger", "Properties": {}})) is None
