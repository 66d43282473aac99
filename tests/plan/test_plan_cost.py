"""The bill: quantities from templates and configuration, prices from dated data, nothing silently left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.config import load_environment
from plan.changes import compare
from plan.cost.bill import Bill, Bills, bills
from plan.cost.prices import HOURS, PriceBook, UnpricedError, price_book
from plan.earlier import empty_like
from preflight.assembly import Assembly
from preflight.loading import load
from tests.plan.assemblies import Resources, altered, assembly, outcome, resource

USAGE = load_environment("prod").usage
WRITER = "DatabaseWriter7794273E"


def bill(resources: Resources, *, region: str = "us-east-1", usage: Any = USAGE) -> Bill:
    after = assembly(One=resources)
    after.stacks[0].region = region
    return bills(compare(empty_like(after), after), price_book(), usage).after


def items(found: Bill) -> dict[str, float]:
    return {line.item: round(line.most_usd, 2) for line in found.lines}


def test_another_instance_class_shows_its_price_and_the_interruption(prod: Path, tmp_path: Path) -> None:
    def larger(resources: Resources) -> None:
        resources[WRITER]["Properties"]["DBInstanceClass"] = "db.m7g.xlarge"

    found = outcome(load(prod), load(altered(prod, tmp_path / "larger", "Data", larger)))
    assert found.ok
    path, before, after = found.bills.differences[0]
    prices = price_book()
    old, new = (prices.price(f"rds.postgres.db.m7g.{size}.multi_az", "us-east-1").usd for size in ("large", "xlarge"))
    assert path == "Data/Database/Writer"
    assert after.most - before.most == pytest.approx((new - old) * HOURS)
    (interruption,) = found.interruptions
    assert "db.m7g.large → db.m7g.xlarge" in interruption.text
    assert (interruption.least, interruption.most) == (60, 120)
    assert "maintenance window (sun:05:00-sun:06:00 UTC)" in interruption.when
    assert interruption.source


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", "preview"])
def test_every_resource_is_priced_free_or_named(environment: str, synthesized: Callable[[str], Path]) -> None:
    after = load(synthesized(environment))
    found = bills(compare(empty_like(after), after), price_book(), load_environment(environment).usage).after
    # Container Insights bills by what runs: a template does not say how much that is.
    assert {one.resource_type for one in found.unpriced} <= {"AWS::ECS::Cluster"}
    assert all(line.price.source and line.price.date and line.price.confidence for line in found.lines)
    assert found.total.most > found.total.least > 0


def test_an_unknown_type_is_named_and_never_free() -> None:
    found = bill({"Big": resource("AWS::Redshift::Cluster")})
    assert [(one.path, one.resource_type) for one in found.unpriced] == [("One/Big", "AWS::Redshift::Cluster")]


def test_a_class_without_a_price_is_named() -> None:
    database = resource("AWS::RDS::DBInstance", Engine="postgres", DBInstanceClass="db.x9z.large", AllocatedStorage=20)
    assert "no price for rds.postgres.db.x9z.large" in bill({"Db": database}).unpriced[0].why


def test_a_region_without_prices_is_named() -> None:
    gateway = resource("AWS::EC2::NatGateway")
    found = bill({"Nat": gateway}, region="sa-east-1")
    assert "in sa-east-1, only in us-east-1" in found.unpriced[0].why


def test_what_only_the_deployment_knows_is_named() -> None:
    storage = {"Ref": "AWS::StackId"}
    database = resource(
        "AWS::RDS::DBInstance", Engine="postgres", DBInstanceClass="db.m7g.large", AllocatedStorage=storage
    )
    assert "AllocatedStorage is known when it is deployed only" in bill({"Db": database}).unpriced[0].why


def service(strategy: list[dict[str, Any]]) -> Resources:
    arm = {"CpuArchitecture": "ARM64"}
    return {
        "Task": resource("AWS::ECS::TaskDefinition", Cpu="1024", Memory="2048", RuntimePlatform=arm),
        "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, CapacityProviderStrategy=strategy),
        "Target": resource(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            ResourceId={"Fn::Join": ["", ["service/c/", {"Fn::GetAtt": ["Service", "Name"]}]]},
            MinCapacity=2,
            MaxCapacity=12,
        ),
    }


def test_tasks_are_billed_between_the_least_and_the_largest_number() -> None:
    found = bill(service([{"CapacityProvider": "FARGATE", "Weight": 1}]))
    tasks = [line for line in found.lines if line.service == "Fargate"]
    hour = 0.03238 + 2 * 0.00356
    assert sum(line.least_usd for line in tasks) == pytest.approx(2 * hour * HOURS)
    assert sum(line.most_usd for line in tasks) == pytest.approx(12 * hour * HOURS)


def test_beyond_its_base_a_service_runs_on_spot() -> None:
    strategy = [
        {"CapacityProvider": "FARGATE", "Base": 2, "Weight": 0},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 1},
    ]
    found = {line.item: line for line in bill(service(strategy)).lines}
    assert found["On-Demand vCPU, arm64"].most == 2 * HOURS
    assert found["Spot vCPU, arm64"].most == 10 * HOURS
    assert found["Spot vCPU, arm64"].factor == pytest.approx(1 - USAGE.spot_discount_percent / 100)


def test_receipts_cost_by_their_age() -> None:
    steps = [
        {"StorageClass": "STANDARD_IA", "TransitionInDays": 30},
        {"StorageClass": "GLACIER_IR", "TransitionInDays": 120},
    ]
    bucket = resource("AWS::S3::Bucket", LifecycleConfiguration={"Rules": [{"Transitions": steps}]})
    usage = USAGE.model_copy(update={"receipts_per_month": 1024 * 1024, "receipt_kib": 1, "receipts_kept_months": 12})
    found = {line.item: line.most for line in bill({"B": bucket}, usage=usage).lines}
    assert [found[f"receipts in {name}"] for name in ("STANDARD", "STANDARD_IA", "GLACIER_IR")] == [1, 3, 8]


def test_usage_changes_the_bill_and_the_same_usage_stands_on_both_sides(prod: Path) -> None:
    found = load(prod)
    more = USAGE.model_copy(update={"requests_per_month": USAGE.requests_per_month * 10})
    usual, busy = (bills(compare(found, found), price_book(), usage) for usage in (USAGE, more))
    assert busy.after.total.least > usual.after.total.least
    assert not usual.differences


def test_openai_costs_at_most_its_daily_budget() -> None:
    variables = [
        {"Name": "EXTRACTION_ENGINE", "Value": "openai"},
        {"Name": "OPENAI_DAILY_BUDGET_USD", "Value": "50"},
    ]
    task = resource("AWS::ECS::TaskDefinition", ContainerDefinitions=[{"Name": "web", "Environment": variables}])
    (line,) = (one for one in bill({"Task": task}).lines if one.service == "OpenAI")
    assert (line.least_usd, round(line.most_usd)) == (0, 1521)


def test_what_is_retained_goes_on_to_cost() -> None:
    key = resource("AWS::KMS::Key", deletion="Retain")
    before, after = assembly(One={"Key": key}), assembly(One={})
    found = bills(compare(before, after), price_book(), USAGE)
    assert items(found.after) == {"key (retained)": 1.0}


def test_a_stack_that_is_left_behind_goes_on_to_cost() -> None:
    before: Assembly = assembly(One={}, Two={"Key": resource("AWS::KMS::Key")})
    found: Bills = bills(compare(before, assembly(One={})), price_book(), USAGE)
    assert found.after.total == found.before.total


def test_previews_are_told_by_the_day(synthesized: Callable[[str], Path]) -> None:
    found = load(synthesized("preview"))
    assert outcome(found, found, "preview").per_day
    assert not outcome(found, found, "prod").per_day


def test_a_price_tells_where_it_is_from() -> None:
    price = price_book().price("rds.postgres.db.m7g.large.multi_az", "us-east-1")
    assert price.usd == 0.337
    assert price.date == "2025-06-05"
    assert "AWS Pricing Calculator" in price.source


def test_every_price_has_a_source_that_is_named() -> None:
    book = price_book()
    assert {entry["source"] for entry in book.entries.values()} <= book.sources.keys()
    assert all(entry["confidence"] in ("high", "medium", "low") for entry in book.entries.values())


def test_no_price_is_no_number() -> None:
    with pytest.raises(UnpricedError, match="no price for gold"):
        PriceBook(entries={}, sources={}).price("gold", "us-east-1")
