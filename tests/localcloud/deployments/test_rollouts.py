"""A canary on a whole local cloud: one that is good, and all that can happen to one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.runner.conftest import eventually

from .conftest import Cloud
from .shop import ALARM, CLUSTER, REFUSED, SERVICE, Shop, Visitors, ask, client, hook_log, image

pytestmark = pytest.mark.localcloud


@pytest.fixture(scope="module")
def shop(cloud: Cloud) -> Iterator[Shop]:
    image()
    made = Shop()
    made.deploy("one", create=True)
    assert made.settled() == "CREATE_COMPLETE", made.why()
    yield made
    client("cloudformation").delete_stack(StackName="shop")


def _hooks_called() -> list[dict[str, Any]]:
    return [json.loads(line) for line in hook_log().read_text().splitlines()]


def test_a_first_deployment_calls_its_hooks_and_serves(shop: Shop) -> None:
    found = shop.ended("SUCCESSFUL")
    assert found["sourceServiceRevisions"] == []
    assert found["alarms"]["status"] == "DISABLED"
    assert [call["lifecycleStage"] for call in _hooks_called()] == [
        "PRE_SCALE_UP",
        "PRE_SCALE_UP",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
    ]
    eventually(lambda: ask() == "one")
    assert shop.weights() == (100, 0)


def test_a_good_canary_loses_no_request(shop: Shop) -> None:
    before = len(_hooks_called())
    with Visitors() as visitors:
        shop.deploy("two")
        canary = shop.at(10)
        assert canary["lifecycleStage"] == "PRODUCTION_TRAFFIC_SHIFT"
        assert shop.weights() == (90, 10)
        assert canary["alarms"]["status"] == "MONITORING"
        assert canary["targetServiceRevision"]["runningTaskCount"] == 2
        assert shop.settled() == "UPDATE_COMPLETE", shop.why()
    assert visitors.got.keys() == {"one", "two"}
    found = shop.ended("SUCCESSFUL")
    assert found["lifecycleStage"] == "CLEAN_UP"
    assert (shop.weights(), shop.weights("TestRule")) == ((0, 100), (0, 100))
    assert shop.running_versions() == {"two": 2}
    calls = _hooks_called()[before:]
    assert [call["lifecycleStage"] for call in calls[-2:]] == ["PRODUCTION_TRAFFIC_SHIFT"] * 2
    target = found["targetServiceRevision"]["arn"]
    shares = [call["executionDetails"]["productionTrafficWeights"] for call in calls[-2:]]
    assert [share[target] for share in shares] == [10, 100]
    assert calls[1]["hookDetails"]["called"] is True


def test_an_alarm_sends_all_traffic_back_and_cloudformation_with_it(shop: Shop) -> None:
    source = shop.latest()["targetServiceRevision"]["arn"]
    with Visitors() as visitors:
        shop.deploy("three")
        shop.at(10)
        eventually(lambda: visitors.got["three"])
        client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="drill")
        eventually(lambda: shop.weights() == (0, 100), within=5)
        assert shop.settled() == "UPDATE_ROLLBACK_COMPLETE", shop.why()
    client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="drill")
    found = shop.ended("ROLLBACK_SUCCESSFUL")
    assert found["alarms"]["triggeredAlarmNames"] == [ALARM]
    assert found["rollback"]["serviceRevisionArn"] == source
    assert shop.version_of(found["targetServiceRevision"]["arn"]) == "three"
    assert ALARM in shop.why()
    assert visitors.got.keys() == {"two", "three"}
    assert shop.running_versions() == {"two": 2}
    assert ask() == "two"
    service = client("ecs").describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    assert [each["rolloutState"] for each in service["deployments"]] == ["COMPLETED"]
    assert "currentServiceDeployment" not in service


def test_an_update_of_the_same_tasks_that_goes_back_is_not_taken_for_done(shop: Shop) -> None:
    """What it goes back to has the wanted task definition, but not the wanted load balancer."""
    # Without a test listener there is nothing for the hook to look at before production's traffic.
    shop.deploy("two", tested=False)
    shop.at(10)
    client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="drill")
    assert shop.settled() == "UPDATE_ROLLBACK_COMPLETE", shop.why()
    client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="drill")
    service = client("ecs").describe_services(cluster=CLUSTER, services=[SERVICE])["services"][0]
    assert "testListenerRule" in service["loadBalancers"][0]["advancedConfiguration"]


def test_a_hook_that_fails_lets_no_visitor_near_the_release(shop: Shop) -> None:
    with Visitors() as visitors:
        shop.deploy(REFUSED)
        assert shop.settled() == "UPDATE_ROLLBACK_COMPLETE", shop.why()
    found = shop.ended("ROLLBACK_SUCCESSFUL")
    assert "lifecycle hook" in found["statusReason"]
    assert visitors.got.keys() == {"two"}
    assert shop.running_versions() == {"two": 2}
    assert shop.weights("TestRule") == (0, 100)


def test_runner_and_emulator_killed_amid_a_shift_leave_one_version(shop: Shop, cloud: Cloud) -> None:
    shop.deploy("four")
    shop.at(10)
    cloud.kill("runner", "emulator")
    cloud.start("emulator", "runner")
    cloud.answers()
    # What was said last may not have been written: the emulator goes on from where it was, to one end or the other.
    found = eventually(lambda: (d := shop.latest()).get("finishedAt") and d, within=90)
    left = {"SUCCESSFUL": "four", "ROLLBACK_SUCCESSFUL": "two"}[found["status"]]
    eventually(lambda: shop.running_versions() == {left: 2}, within=30)
    assert shop.weights() == ((100, 0) if left == "four" else (0, 100))
    eventually(lambda: {ask() for _ in range(20)} == {left}, within=20)
