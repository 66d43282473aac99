"""Configuration: each rule is broken in a copy of a real file, and the message must tell how to mend it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.config import ConfigurationError, load_environment
from infra.config.loading import FOLDER

REPOSITORY = FOLDER.parent


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Sets keys (`section.key`, or `key` at the top) in a copy of the configuration; returns what loading it says."""
    folder = tmp_path / "config"
    shutil.copytree(FOLDER, folder)

    def edit_and_load(environment: str, **values: str) -> str:
        path = folder / f"{environment}.toml"
        path.write_text(_edited(path.read_text(), values))
        with pytest.raises(ConfigurationError) as error:
            load_environment(environment, folder=folder)
        return str(error.value)

    return edit_and_load


def _edited(text: str, values: dict[str, str]) -> str:
    """`database__multi_az="true"` sets multi_az of [database]; a key that is not there is added."""
    for name, value in values.items():
        section, _, key = name.rpartition("__")
        head, body, tail = _section(text, section)
        line = f"{key} = {value}"
        changed = re.sub(rf"(?m)^{key} = .*$", line, body)
        text = head + (changed if changed != body or line in body else f"{body}{line}\n") + tail
    return text


def _section(text: str, name: str) -> tuple[str, str, str]:
    start = text.index(f"\n[{name}]\n") + len(f"\n[{name}]\n") if name else 0
    end = text.find("\n[", start)
    end = len(text) if end < 0 else end + 1
    return text[:start], text[start:end], text[end:]


@pytest.mark.parametrize("name", ["dev", "staging", "prod", "preview"])
def test_the_files_we_ship_are_accepted(name: str) -> None:
    assert load_environment(name).name == name


CASES = [
    pytest.param("dev", {"web__max_cuont": "3"}, ["web.max_cuont = 3", "no such key", "max_count"], id="unknown key"),
    pytest.param(
        "dev",
        {"alarms__thresholds": "{ web_p95_secnds = 2 }"},
        ["alarms.thresholds.web_p95_secnds = 2", "no such key", "web_p95_seconds"],
        id="unknown key below",
    ),
    pytest.param("dev", {"colour": '"red"'}, ["colour = 'red'", "no such key"], id="unknown key at the top"),
    pytest.param(
        "dev",
        {"network__cidr": '"10.40.128.0/17"'},
        ["network.cidr = '10.40.128.0/17'", "does not overlap 10.40.0.0/16 of config/prod.toml"],
        id="networks of two environments overlap",
    ),
    pytest.param("dev", {"network__cidr": '"10.60.1.5/16"'}, ["network.cidr", "10.60.1.5/16"], id="host bits"),
    pytest.param(
        "dev", {"network__cidr": '"8.8.0.0/16"'}, ["network.cidr = '8.8.0.0/16'", "private"], id="public network"
    ),
    pytest.param("dev", {"network__cidr": '"10.60.0.0/24"'}, ["/16 to /20"], id="network too small"),
    pytest.param(
        "prod",
        {"network__availability_zones": "1", "network__nat_gateways": "1"},
        ["database.multi_az = true", "network.availability_zones = 1", "2 or 3"],
        id="one zone with Multi-AZ",
    ),
    pytest.param(
        "dev", {"network__nat_gateways": "3"}, ["network.nat_gateways = 3", "each of the 2"], id="more NAT than zones"
    ),
    pytest.param(
        "dev", {"web__scale_in_cpu": "70"}, ["web.scale_in_cpu = 70", "less than web.scale_out_cpu = 70"], id="web in"
    ),
    pytest.param(
        "dev", {"worker__scale_in_cpu": "90"}, ["worker.scale_in_cpu = 90", "scale_out_cpu = 70"], id="worker in"
    ),
    pytest.param("prod", {"web__min_count": "1"}, ["web.min_count = 1", "2 or more in prod"], id="web minimum"),
    pytest.param(
        "prod", {"worker__min_count": "1"}, ["worker.min_count = 1", "2 or more in prod"], id="worker minimum"
    ),
    pytest.param("dev", {"web__min_count": "9"}, ["web.min_count = 9", "at most web.max_count = 4"], id="min over max"),
    pytest.param(
        "prod",
        {"web__max_count": "40"},
        ["pgbouncer", "40 web and 12 worker tasks, twice", "1 beat task", "80 % of max_connections = 800 are 640"],
        id="connection budget",
    ),
    pytest.param(
        "prod",
        {"database__replicas": "0"},
        ["writer_pool_size + reader_pool_size", "= 24", "at most 13"],
        id="connection budget when one server takes both pools",
    ),
    pytest.param(
        "prod",
        {"database__max_connections": "4000"},
        ["database.max_connections = 4000", "db.m7g.large has 8 GiB", "at most 901"],
        id="more connections than the class has memory for",
    ),
    pytest.param(
        "prod",
        {"pgbouncer__max_client_connections": "35"},
        ["max_client_connections = 35", "at least 36", "2 web processes of 8 threads"],
        id="fewer connections than threads",
    ),
    pytest.param(
        "prod",
        {"worker__memory_mib_per_process": "1900"},
        ["memory_mib_per_process = 1900", "at most 1898", "for 2 processes"],
        id="processes that do not fit into their task",
    ),
    pytest.param("dev", {"limits__wait_seconds": "4"}, ["wait_seconds = 4", "health check"], id="waits too long"),
    pytest.param("dev", {"limits__arrival_seconds": "60"}, ["arrival_seconds = 60", "less than 60"], id="arrives late"),
    pytest.param("prod", {"database__instance_class": '"db.z9.huge"'}, ["instance_class", "t, m or r"], id="class"),
    pytest.param("prod", {"database__max_storage_gib": "110"}, ["max_storage_gib = 110", "at least 127"], id="storage"),
    pytest.param("dev", {"web__memory_mib": "8192"}, ["web.memory_mib = 8192", "with cpu = 256: 512"], id="Fargate"),
    pytest.param("dev", {"storage__expiry_days": "40"}, ["storage.expiry_days = 40", "more than"], id="lifecycle"),
    pytest.param("prod", {"backup__continuous_days": "7"}, ["continuous_days = 7", "= 35"], id="continuous backup"),
    pytest.param("prod", {"backup__vault_lock_days": "1"}, ["vault_lock_days = 1", "3 and more"], id="vault lock"),
    pytest.param("prod", {"protect": "false"}, ["protect = false", "true in prod"], id="unprotected prod"),
    pytest.param("dev", {"name": '"prod2"'}, ["name = 'prod2'", "as the file is called"], id="name"),
    pytest.param("dev", {"account": '"12"'}, ["account = '12'"], id="account"),
    pytest.param("dev", {"regions__replica": '"us-east-1"'}, ["a region other than regions.primary"], id="regions"),
    pytest.param("dev", {"waf__login_rate_limit": "5000"}, ["login_rate_limit = 5000", "less than"], id="WAF"),
    pytest.param("dev", {"logs__retention_days": "8"}, ["logs.retention_days = 8", "7"], id="retention"),
    pytest.param("dev", {"storage__allowed_origins": '["*"]'}, ["storage.allowed_origins", "'*'"], id="any origin"),
    pytest.param(
        "prod",
        {"domain": '{ name = "a.example.com", certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/a" }'},
        ["domain.cdn_certificate_arn", "not set", "a certificate for a.example.com in us-east-1"],
        id="a CDN without a certificate",
    ),
]


@pytest.mark.parametrize(("environment", "values", "said"), CASES)
def test_a_fault_names_file_key_value_and_what_is_accepted(
    refused: Callable[..., str], environment: str, values: dict[str, str], said: list[str]
) -> None:
    message = refused(environment, **values)
    assert f"config/{environment}.toml: " in message
    assert "accepted: " in message
    for part in said:
        assert part in message, message


def test_all_faults_come_in_one_message(refused: Callable[..., str]) -> None:
    message = refused(
        "prod",
        web__min_count="1",
        worker__scale_in_cpu="80",
        network__cidr='"10.60.0.0/16"',
        database__multi_azz="true",
        openai__model="7",
    )
    assert message.startswith("5 faults in the configuration of prod")
    for key in (
        "web.min_count",
        "worker.scale_in_cpu",
        "network.cidr",
        "database.multi_azz",
        "openai.model",
    ):
        assert f"config/prod.toml: {key} = " in message


def test_a_missing_key_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "config" / "dev.toml"
    path.write_text(path.read_text().replace("multi_az = false\n", ""))
    message = refused("dev")
    assert "config/dev.toml: database.multi_az = (not set)" in message
    assert "required" in message


def test_broken_toml_is_told_with_its_place(refused: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "config" / "dev.toml"
    path.write_text("name = \n" + path.read_text())
    assert re.search(r"config/dev\.toml: not valid TOML: .*line 1", refused("dev"))


def test_both_colors_and_the_migration_count(refused: Callable[..., str]) -> None:
    """dev: 4 web and 3 worker twice and 1 beat with 16 each, the migration with 2: 242; 80 % of 300 are 240."""
    pools = {"pgbouncer__writer_pool_size": "8", "pgbouncer__reader_pool_size": "8", "database__replicas": "0"}
    message = refused("dev", **pools, database__instance_class='"db.t4g.medium"', database__max_connections="300")
    assert "open 242 connections" in message
    assert "are 240" in message


ON_AWS = {"account": '"111111111111"'}
ROLLOUT_CASES = [
    pytest.param({"rollout__strategy": '"yolo"'}, ["rollout.strategy = 'yolo'", "'canary'"], id="strategy"),
    pytest.param(
        {"rollout__canary_minutes": "0"}, ["rollout.canary_minutes = 0", "greater than or equal to 1"], id="no canary"
    ),
    pytest.param(
        {"rollout__canary_minutes": "5.5"}, ["rollout.canary_minutes = 5.5", "a valid integer"], id="fraction"
    ),
    pytest.param(
        {"rollout__canary_minutes": "3", **ON_AWS},
        ["rollout.canary_minutes = 3", "at least 4", "rollout.alarm_minutes = 2"],
        id="a canary that ends before its alarms",
    ),
    pytest.param(
        {"rollout__min_requests": "50", **ON_AWS},
        ["rollout.min_requests = 50", "at most 23", "a canary of 10 % gets 23.1 a minute"],
        id="a canary too small to be judged",
    ),
    pytest.param(
        {"rollout__p99_floor_seconds": "2"},
        ["rollout.p99_floor_seconds = 2", "less than rollout.p99_seconds"],
        id="p99",
    ),
    pytest.param(
        {"rollout__canary_minutes": "1000", "rollout__bake_minutes": "1000"},
        ["rollout.bake_minutes = 1000", "1980 together"],
        id="longer than CloudFormation waits",
    ),
]


@pytest.mark.parametrize(("values", "said"), ROLLOUT_CASES)
def test_a_rollout_that_could_not_work_is_refused(
    refused: Callable[..., str], values: dict[str, str], said: list[str]
) -> None:
    message = refused("prod", **values)
    assert message.startswith("1 fault ")
    for part in said:
        assert part in message, message


def test_prods_rollout_is_as_good_on_aws(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    shutil.copytree(FOLDER, folder)
    path = folder / "prod.toml"
    path.write_text(_edited(path.read_text(), ON_AWS))
    assert load_environment("prod", folder=folder).rollout.strategy == "canary"


@pytest.mark.parametrize("name", ["dev", "staging", "prod", "preview"])
def test_a_rehearsal_overrides_the_rollout_of_any_environment(name: str) -> None:
    overrides = {"rollout": {"strategy": "canary", "canary_minutes": "2", "canary_percent": "20"}}
    rollout = load_environment(name, overrides=overrides).rollout
    assert (rollout.strategy, rollout.canary_minutes, rollout.canary_percent) == ("canary", 2, 20)
    assert rollout.bake_minutes == load_environment(name).rollout.bake_minutes


def test_a_rehearsals_faults_name_the_option() -> None:
    with pytest.raises(ConfigurationError) as error:
        load_environment("dev", overrides={"rollout": {"canary_persent": "20", "canary_minutes": "soon"}})
    assert "-c rollout.canary_persent = '20'\n      accepted: no such key; there are strategy, " in str(error.value)
    assert "-c rollout.canary_minutes = 'soon'\n      accepted: a valid integer" in str(error.value)


def test_the_app_ends_with_the_message_and_no_traceback(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env={**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": '{"env": "produciton"}'},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "no such environment; config/ has dev, preview, prod, staging" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir())
