"""Nothing that holds data is replaced or deleted unless the configuration names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.config import Environment, load_environment
from infra.config.models import Plan
from plan.stateful import STATEFUL, judge
from plan.time.interruptions import interruptions
from preflight.loading import load
from tests.plan.assemblies import Resources, altered, changed, outcome, resource

WRITER = "DatabaseWriter7794273E"


def rename_the_database(resources: Resources) -> None:
    text = json.dumps(resources)
    assert WRITER in text
    resources.clear()
    resources.update(json.loads(text.replace(WRITER, "DatabasePrimary5F2D1C0B")))


def allowing(*names: str) -> Environment:
    return load_environment("prod").model_copy(update={"plan": Plan(allow_replacement=names)})


@pytest.fixture
def database_renamed(prod: Path, tmp_path: Path) -> Path:
    return altered(prod, tmp_path / "renamed", "Data", rename_the_database)


def test_renaming_the_database_construct_is_refused_and_says_why(prod: Path, database_renamed: Path) -> None:
    found = outcome(load(prod), load(database_renamed))
    assert not found.ok
    refusal = next(one for one in found.judgement.refusals if one.path == "Data/Database/Writer")
    assert refusal.fate == "would be replaced"
    told = " ".join(refusal.reasons)
    assert f"logical id changes from {WRITER} to DatabasePrimary5F2D1C0B" in told
    assert "both have the name spendsmart-prod" in told
    assert "without the database and everything in it" in told
    assert any(one.path == "Data/Database/Writer" and one.most is None for one in found.interruptions)


def test_a_name_in_the_configuration_allows_it(prod: Path, database_renamed: Path) -> None:
    names = ("Data/Database/Writer", "Data/Database/Reader1")
    found = outcome(load(prod), load(database_renamed), allowing(*names))
    assert found.ok
    assert [one.path for one in found.judgement.refusals if one.allowed] == list(names)


def test_a_name_for_another_resource_allows_nothing(prod: Path, database_renamed: Path) -> None:
    found = outcome(load(prod), load(database_renamed), allowing("Data/Database", "Data/Database/Reader1"))
    assert [one.path for one in found.judgement.refusals if not one.allowed] == ["Data/Database/Writer"]
    assert found.judgement.unused == ("Data/Database",)


def test_an_allowance_that_nothing_needs_is_named(prod: Path) -> None:
    assert outcome(load(prod), load(prod), allowing("Data/Database/Writer")).judgement.unused == (
        "Data/Database/Writer",
    )


@pytest.mark.parametrize("kind", sorted(STATEFUL))
def test_deleting_what_holds_data_is_refused(kind: str) -> None:
    found = judge(changed({"Thing": resource(kind)}, {}), [])
    assert not found.ok
    assert f"lost: {STATEFUL[kind]}" in found.refusals[0].reasons


def test_what_is_retained_is_refused_too_as_nothing_manages_it_any_more() -> None:
    (found,) = judge(changed({"B": resource("AWS::S3::Bucket", deletion="Retain")}, {}), []).refusals
    assert "nothing manages them" in " ".join(found.reasons)


def test_deleting_a_topic_is_not_refused() -> None:
    assert judge(changed({"T": resource("AWS::SNS::Topic")}, {}), []).ok


def test_a_larger_database_is_not_refused() -> None:
    before, after = (
        resource("AWS::RDS::DBInstance", DBInstanceClass=size) for size in ("db.m7g.large", "db.r7g.large")
    )
    comparison = changed({"Db": before}, {"Db": after})
    assert judge(comparison, []).ok
    assert interruptions(comparison)


def test_every_type_that_the_stacks_pin_is_stateful_here(prod: Path) -> None:
    from tests.infra.test_stateful import STATEFUL_TYPES

    assert STATEFUL.keys() >= STATEFUL_TYPES
