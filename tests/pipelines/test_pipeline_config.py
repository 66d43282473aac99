"""Delivery's configuration: a wrong value is refused, with its key and what would be accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.config import ConfigurationError
from pipelines.config import load_delivery, load_stages


def test_the_file_we_ship_is_accepted() -> None:
    delivery = load_delivery()
    assert load_stages(delivery).production.name == "prod"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("account", '"12"', "tooling/pipeline.toml: account = '12'"),
        ("staging", '"prod"', "an environment other than production"),
        ("repository", '"no-owner"', "source.repository"),
        ("cron", '"* * 9-15"', "change_window.cron"),
        ("deploy", "4", "timeout_minutes.deploy = 4"),
        ("connection_arn", '"arn:aws:s3:::x"', "source.connection_arn"),
        (
            "connection_arn",
            '"arn:aws:codeconnections:eu-west-1:000000000000:connection/x"',
            "a connection in us-east-1",
        ),
        ("seconds", "900", "load.seconds"),
        ("schedule", '"daily"', "drift.schedule"),
        ("base_image", '"python"', "base_image"),
    ],
)
def test_what_does_not_fit_is_refused(configured: Callable[..., Path], key: str, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_delivery(configured(**{key: value}))
    assert message in str(error.value)


def test_a_key_that_nobody_knows_is_refused(configured: Callable[..., Path]) -> None:
    with pytest.raises(ConfigurationError, match=r"approval\.timeout_hours"):
        load_delivery(configured(timeout_minutes="5\ntimeout_hours = 3"))


def test_all_faults_are_in_one_message(configured: Callable[..., Path]) -> None:
    with pytest.raises(ConfigurationError, match="2 faults"):
        load_delivery(configured(account='"x"', kept_images="1"))


def test_stages_share_one_architecture(configured: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = load_delivery()
    from infra.config import load_environment

    def other(name: str) -> object:
        found = load_environment(name)
        return found.model_copy(update={"cpu_architecture": "x86_64"}) if name == "staging" else found

    monkeypatch.setattr("pipelines.config.load_environment", other)
    with pytest.raises(ConfigurationError, match="what is tested has to be the image that is released"):
        load_stages(delivery)
