"""The rules of cdk-nag's packs are understood, all of them, in the version that is installed."""

from __future__ import annotations

from collections import Counter

from audit import catalogue
from audit.controls import by_framework, judge, natural, worst
from audit.model import Finding, ResourceEntry, State


def test_every_rule_has_a_title_a_reason_and_something_to_look_at() -> None:
    rules = [rule for rule in catalogue.rules() if rule.pack in catalogue.PACKS]
    assert Counter(rule.pack for rule in rules).keys() == catalogue.PACKS.keys()
    assert not [rule.id for rule in rules if not (rule.title and rule.why and rule.classes)]
    assert not [rule.id for rule in rules if rule.pack != "AwsSolutions" and not rule.controls]
    assert not [rule.id for rule in rules for control in rule.controls if control.count("(") != control.count(")")]
    assert len({rule.id for rule in rules}) == len(rules)


def test_a_rule_knows_its_controls_and_types() -> None:
    (rule,) = [one for one in catalogue.rules() if one.id == "NIST.800.53.R5-S3BucketVersioningEnabled"]
    assert "CP-6(1)" in rule.controls
    assert "Control ID" not in rule.title
    assert catalogue.types_of(rule, {"AWS::S3::Bucket", "AWS::S3::BucketPolicy"}) == ("AWS::S3::Bucket",)


def entry(path: str, kind: str) -> ResourceEntry:
    return ResourceEntry(path=path, type=kind, stack="S", logical_id="L", template="T", region="", line="", body={})


def test_what_had_nothing_to_look_at_and_what_was_not_asked_does_not_hold() -> None:
    bucket = entry("S/Bucket", "AWS::S3::Bucket")
    rule = "NIST.800.53.R5-S3BucketVersioningEnabled"
    judged = {one.id: one for one in judge([bucket], [], ["NIST.800.53.R5"])}
    assert judged[rule].state is State.PASSED
    assert judged[rule].checked == 1
    assert judged["NIST.800.53.R5-RDSStorageEncrypted"].state is State.NOT_APPLICABLE
    assert judged["HIPAA.Security-S3BucketVersioningEnabled"].state is State.NOT_RUN
    found = Finding(
        tool="NIST.800.53.R5", rule=rule, message="m", severity="error", state=State.FAILED, path="S/Bucket"
    )
    judged = {one.id: one for one in judge([bucket], [found], ["NIST.800.53.R5"])}
    assert judged[rule].state is State.FAILED
    controls = {one.id: one for one in by_framework(judged.values())[catalogue.NIST]}
    assert controls["CP-6(1)"].state is State.FAILED


def test_a_control_is_as_good_as_the_worst_of_its_rules() -> None:
    assert worst([State.PASSED, State.NOT_APPLICABLE]) is State.PASSED
    assert worst([State.PASSED, State.ACKNOWLEDGED]) is State.ACKNOWLEDGED
    assert worst([State.PASSED, State.ACKNOWLEDGED, State.NOT_RUN]) is State.NOT_RUN
    assert worst([State.NOT_RUN, State.FAILED]) is State.FAILED


def test_controls_are_in_the_order_in_which_people_count() -> None:
    assert sorted(["AC-10", "AC-2(1)", "AC-2"], key=natural) == ["AC-2", "AC-2(1)", "AC-10"]
