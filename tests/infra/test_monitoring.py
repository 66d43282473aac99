"""Who is told what, and how alarms depend on each other."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pipelines.config import load_delivery
from tests.infra.alarms_of import COMPOSITE, METRIC, AlarmOf, alarms_of
from tests.infra.synthesized import Assembly, Template


def _monitoring(assembly: Assembly) -> Template:
    return assembly["Monitoring"]


def _alarms(assembly: Assembly) -> dict[str, AlarmOf]:
    prefix = f"SpendSmart-{assembly.environment.capitalize()}-"
    return {one.name.removeprefix(prefix): one for one in alarms_of(assembly) if one.stack == "Monitoring"}


def _topic_of(assembly: Assembly, alarm: AlarmOf) -> list[str]:
    return [action["Ref"][:15] for action in alarm.properties.get("AlarmActions", [])]


def test_the_pipelines_gate_asks_alarms_that_exist(prod: Assembly) -> None:
    delivery = load_delivery()
    assert delivery.production == "prod"
    names = {alarm.name for alarm in alarms_of(prod)}
    assert delivery.gate.p0_alarms
    assert set(delivery.gate.p0_alarms) <= names


def test_each_alarm_says_all_that_people_need(assembly: Assembly) -> None:
    for name, alarm in _alarms(assembly).items():
        said = alarm.facts
        assert said["severity"] in ("P0", "P1", "P2"), name
        assert said["owner"] in ("platform", "application"), name
        assert "dashboard" in said
        if alarm.properties.get("AlarmRule"):
            assert said["when"], name
        else:
            assert re.fullmatch(r"(>=|>|<=|<) \S+: .{10,}", said["threshold"]), name
            kind, why = said["missing"].split(": ", 1)
            assert kind == alarm.properties["TreatMissingData"], name
            assert len(why) > 10, name


def test_an_alarm_speaks_on_the_topic_of_its_severity_both_ways(assembly: Assembly) -> None:
    spoken = 0
    for name, alarm in _alarms(assembly).items():
        topics = _topic_of(assembly, alarm)
        assert alarm.properties.get("AlarmActions") == alarm.properties.get("OKActions"), name
        for topic in topics:
            spoken += 1
            assert topic == f"Notifications{alarm.facts['severity']}"[:15], name
    assert spoken


def test_each_dashboard_that_an_alarm_names_exists(assembly: Assembly) -> None:
    there = {board["DashboardName"] for board in _monitoring(assembly).properties("AWS::CloudWatch::Dashboard")}
    named = {alarm.facts["dashboard"].rsplit("/", 1)[-1] for alarm in _alarms(assembly).values()}
    assert named <= there


def test_dashboards_are_readable(assembly: Assembly) -> None:
    for board in _monitoring(assembly).properties("AWS::CloudWatch::Dashboard"):
        body = board["DashboardBody"]
        text = body if isinstance(body, str) else "".join(p if isinstance(p, str) else "x" for p in body["Fn::Join"][1])
        widgets = json.loads(text)["widgets"]
        assert widgets
        assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)


def _children(alarm: AlarmOf, ids: dict[str, str]) -> set[str]:
    rule = alarm.properties["AlarmRule"]
    parts = rule["Fn::Join"][1] if isinstance(rule, dict) else []
    return {ids[part["Fn::GetAtt"][0]] for part in parts if isinstance(part, dict)}


@pytest.fixture(scope="module")
def tree(prod: Assembly) -> dict[str, Any]:
    """Of production: children of composite alarms, and what each is silent during."""
    alarms = _alarms(prod)
    ids = {alarm.logical_id: name for name, alarm in alarms.items()}
    composites = {name: alarm for name, alarm in alarms.items() if "AlarmRule" in alarm.properties}
    return {
        "alarms": alarms,
        "children": {name: _children(alarm, ids) for name, alarm in composites.items()},
        "quiet": {
            name: ids[alarm.properties["ActionsSuppressor"]["Fn::GetAtt"][0]]
            for name, alarm in composites.items()
            if "ActionsSuppressor" in alarm.properties
        },
    }


def test_an_outage_of_the_database_pages_once(tree: dict[str, Any]) -> None:
    """Whatever turns red with it is a silent part, or silent while the cause is known."""
    spoken = {name for name, alarm in tree["alarms"].items() if alarm.properties.get("AlarmActions")}
    urgent = {name for name in spoken if tree["alarms"][name].facts["severity"] == "P0"}
    follow = {name for name in urgent if tree["quiet"].get(name) == "known-cause"}
    assert follow == {"web-outage", "processing-outage"}
    assert "database-outage" in tree["children"]["known-cause"]
    # What else pages has nothing to do with the database.
    others = urgent - follow - {"database-outage", "broker-outage"}
    assert others == {"backups-missed-rds", "backups-missed-s3", "messages-failing"}


def test_maintenance_is_known_to_all_outages(tree: dict[str, Any]) -> None:
    assert "maintenance" in tree["children"]["known-cause"]
    assert tree["quiet"]["database-outage"] == tree["quiet"]["broker-outage"] == "maintenance"
    assert not tree["alarms"]["maintenance"].properties.get("AlarmActions")


def test_the_gate_is_red_while_anything_is_that_pages(tree: dict[str, Any]) -> None:
    urgent = {
        name
        for name, alarm in tree["alarms"].items()
        if alarm.properties.get("AlarmActions") and alarm.facts["severity"] == "P0"
    }
    assert tree["children"]["P0"] == urgent


def test_every_silent_alarm_is_a_part_of_one_that_speaks(tree: dict[str, Any]) -> None:
    silent = {name for name, alarm in tree["alarms"].items() if not alarm.properties.get("AlarmActions")}
    used = {child for children in tree["children"].values() for child in children} | set(tree["quiet"].values())
    assert silent - used == {"P0"}


def test_causes_that_alarms_name_exist(tree: dict[str, Any]) -> None:
    for name, alarm in tree["alarms"].items():
        causes = [cause for cause in alarm.facts.get("causes", "").split(", ") if cause]
        assert set(causes) <= tree["alarms"].keys(), name


def test_burn_rates_are_those_of_the_sre_workbook(tree: dict[str, Any]) -> None:
    found = {
        name.removeprefix("availability-burns-"): (alarm.properties["Metrics"][0].get("Period"), alarm.properties)
        for name, alarm in tree["alarms"].items()
        if re.fullmatch(r"availability-burns-.*-(long|short)", name)
    }
    # 99.9 % allow 0.1 % of errors.
    assert {name: properties["Threshold"] for name, (_, properties) in found.items()} == {
        "fast-long": 1.44, "fast-short": 1.44, "slow-long": 0.6, "slow-short": 0.6,
    }  # fmt: skip
    periods = {
        name: {stat["MetricStat"]["Period"] for stat in properties["Metrics"] if "MetricStat" in stat}
        for name, (_, properties) in found.items()
    }
    assert periods == {"fast-long": {3600}, "fast-short": {300}, "slow-long": {21600}, "slow-short": {1800}}


def test_services_may_speak_on_the_topics(prod: Assembly) -> None:
    key = _monitoring(prod).one("AWS::KMS::Key")
    services = {"cloudwatch.amazonaws.com", "budgets.amazonaws.com", "costalerts.amazonaws.com"}
    granted = [one for one in key["KeyPolicy"]["Statement"] if "Service" in one["Principal"]]
    assert set(granted[0]["Principal"]["Service"]) == services
    assert set(granted[0]["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    for topic in _monitoring(prod).properties("AWS::SNS::Topic"):
        assert topic["KmsMasterKeyId"]


def test_previews_have_the_fewest_alarms(prod: Assembly, dev: Assembly, preview: Assembly) -> None:
    counts = [len(_monitoring(one).all(METRIC)) for one in (preview, dev, prod)]
    assert counts == sorted(counts)
    assert counts[0] < 20
    assert not _monitoring(preview).all("AWS::Budgets::Budget")
    assert {alarm.facts["severity"] for alarm in _alarms(preview).values()} == {"P0"}
    assert _monitoring(preview).all(COMPOSITE)


def test_saved_queries_ask_the_environments_own_log_groups(assembly: Assembly) -> None:
    found = {
        query["Name"]: query["LogGroupNames"]
        for query in _monitoring(assembly).properties("AWS::Logs::QueryDefinition")
    }
    folder = f"SpendSmart-{assembly.environment.capitalize()}"
    traced, hooks = assembly.environment != "preview", assembly.environment in {"prod", "staging"}
    assert len(found) == 10 + traced + hooks
    assert all(name.startswith(f"{folder}/") for name in found)
    assert len(found[f"{folder}/errors by release"]) == 3
    assert (f"{folder}/rollout hooks" in found) == hooks
    assert found.get(f"{folder}/slowest statements") == (["aws/spans"] if traced else None)
