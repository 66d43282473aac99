"""The critical path, and what a change interrupts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plan.changes import compare
from plan.earlier import empty_like
from plan.time.durations import duration
from plan.time.interruptions import Interruption, interruptions
from plan.time.schedule import Schedule, schedule
from preflight.loading import load
from tests.plan.assemblies import assembly, changed, resource

OVERHEAD = duration("stack|overhead").typical
EDGE = duration("stack|per_dependency_edge").typical
NAT = duration("AWS::EC2::NatGateway|create").typical
VPC = duration("AWS::EC2::VPC|create").typical
KEY = duration("AWS::KMS::Key|create").typical


def first(**stacks: Any) -> Schedule:
    depends = stacks.pop("depends", {})
    after = assembly(depends=depends, **stacks)
    return schedule(compare(empty_like(after), after), concurrency=stacks.pop("concurrency", 4))


def test_what_depends_on_nothing_is_made_at_the_same_time() -> None:
    found = first(One={"A": resource("AWS::KMS::Key"), "B": resource("AWS::KMS::Key")})
    assert found.typical == OVERHEAD + KEY


def test_what_depends_waits_and_is_the_critical_path() -> None:
    found = first(
        One={
            "Vpc": resource("AWS::EC2::VPC"),
            "Nat": resource("AWS::EC2::NatGateway", VpcId={"Ref": "Vpc"}),
            "Key": resource("AWS::KMS::Key"),
        }
    )
    assert found.typical == OVERHEAD + VPC + EDGE + NAT
    assert [bar.step.label for bar in found.critical] == ["change set, events", "One/Vpc", "One/Nat"]


def test_depends_on_counts_as_a_reference_does() -> None:
    found = first(One={"A": resource("AWS::KMS::Key"), "B": resource("AWS::KMS::Key", after=["A"])})
    assert found.typical == OVERHEAD + KEY + EDGE + KEY


def test_the_order_goes_through_what_does_not_change() -> None:
    def resources(nat: str) -> dict[str, Any]:
        return {
            "Key": resource("AWS::KMS::Key", Description=nat),
            "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId={"Ref": "Key"}),
            "Queue": resource("AWS::SQS::Queue", QueueName="q", Tags=[{"Key": nat, "Value": {"Ref": "Topic"}}]),
        }

    found = schedule(changed(resources("one"), resources("two")))
    assert [bar.step.label for bar in found.critical] == ["change set, events", "One/Key", "One/Queue"]


def test_a_stack_waits_for_those_that_it_depends_on() -> None:
    keys = {"Key": resource("AWS::KMS::Key")}
    apart, after = first(One=keys, Two=keys), first(One=keys, Two=keys, depends={"Two": {"One"}})
    assert after.typical == 2 * apart.typical


def test_stacks_beyond_the_concurrency_wait() -> None:
    after = assembly(**{name: {"Key": resource("AWS::KMS::Key")} for name in ("One", "Two", "Three")})
    comparison = compare(empty_like(after), after)
    assert schedule(comparison, concurrency=1).typical == 3 * schedule(comparison, concurrency=3).typical


def test_what_goes_away_goes_last() -> None:
    found = schedule(changed({"Nat": resource("AWS::EC2::NatGateway")}, {"Key": resource("AWS::KMS::Key")}))
    assert found.critical[-1].step.label == "delete One/Nat"
    assert found.critical[-1].start == OVERHEAD + KEY


def test_nothing_to_do_takes_no_time(prod: Path) -> None:
    found = schedule(compare(load(prod), load(prod)))
    assert (found.typical, found.bars) == (0, ())


def test_a_circle_of_dependencies_ends_all_the_same() -> None:
    one, two = (resource("AWS::KMS::Key", after=[other]) for other in ("Two", "One"))
    assert first(A={"One": one, "Two": two}).typical > 0


def test_a_service_rolls_when_only_the_image_is_new() -> None:
    def resources(digest: str) -> dict[str, Any]:
        image = [{"Name": "web", "Image": f"app:{digest * 64}"}]
        return {
            "Task": resource("AWS::ECS::TaskDefinition", ContainerDefinitions=image),
            "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}),
        }

    found = schedule(changed(resources("a"), resources("b")))
    assert [bar.step.label for bar in found.bars] == ["publish image", "change set, events", "One/Task", "One/Service"]


def test_bake_times_of_a_canary_count() -> None:
    def taking(**deployment: Any) -> float:
        service = {"Service": resource("AWS::ECS::Service", DeploymentConfiguration=deployment, Tags=[])}
        again = {"Service": resource("AWS::ECS::Service", DeploymentConfiguration=deployment, Tags=[{"Key": "a"}])}
        return schedule(changed(service, again)).typical

    canary = {"CanaryPercent": 10, "CanaryBakeTimeInMinutes": 5}
    assert taking(BakeTimeInMinutes=10, CanaryConfiguration=canary) == taking() + 15 * 60


def test_low_typical_and_high_are_in_order(prod: Path) -> None:
    after = load(prod)
    found = schedule(compare(empty_like(after), after))
    assert found.low < found.typical < found.high


def database(**properties: Any) -> dict[str, Any]:
    return {"Db": resource("AWS::RDS::DBInstance", **properties)}


def of(before: dict[str, Any], after: dict[str, Any]) -> Interruption:
    (found,) = interruptions(changed(before, after))
    return found


@pytest.mark.parametrize(("multi_az", "seconds"), [(True, (60, 120)), (False, (300, 900))])
def test_another_instance_class(multi_az: bool, seconds: tuple[int, int]) -> None:
    found = of(
        database(DBInstanceClass="db.m7g.large", MultiAZ=multi_az),
        database(DBInstanceClass="db.m7g.xlarge", MultiAZ=multi_az),
    )
    assert (found.least, found.most) == seconds
    assert found.when == ""
    assert found.source


def test_another_node_type_breaks_connections_for_seconds() -> None:
    before, after = (
        {"Group": resource("AWS::ElastiCache::ReplicationGroup", CacheNodeType=kind)}
        for kind in ("cache.t4g.small", "cache.m7g.large")
    )
    found = of(before, after)
    assert found.most is not None
    assert found.most <= 60


def test_touched_listener_actions_reset_a_rollout() -> None:
    before, after = (
        {"Rule": resource("AWS::ElasticLoadBalancingV2::ListenerRule", Actions=[{"Type": kind}])}
        for kind in ("forward", "redirect")
    )
    assert "loses its weights" in of(before, after).text


def test_a_tag_interrupts_nothing() -> None:
    assert not interruptions(changed(database(Tags=[]), database(Tags=[{"Key": "a", "Value": "b"}])))
