# ruff: noqa: ARG002 - the signatures are those of registry.Handler.
"""Metric alarms, on expressions too, and composite alarms."""

from __future__ import annotations

from typing import Any

from localcloud.emulator import coercion
from localcloud.emulator.internal import client
from localcloud.emulator.registry import Handler, Properties, Provisioned, Wanted, resource


def _retag(arn: str, before: Properties, wanted: Wanted) -> None:
    old = {tag["Key"] for tag in before.get("Tags", [])}
    new = [{"Key": str(tag["Key"]), "Value": str(tag["Value"])} for tag in wanted.properties.get("Tags", [])]
    if gone := sorted(old - {tag["Key"] for tag in new}):
        client("cloudwatch").untag_resource(ResourceARN=arn, TagKeys=gone)
    if new:
        client("cloudwatch").tag_resource(ResourceARN=arn, Tags=new)


class _Alarm(Handler):
    """Put again with other properties, an alarm keeps its state and its history. Ref is its name."""

    immutable = frozenset({"AlarmName"})
    operation: str
    kind: str

    def create(self, wanted: Wanted) -> Provisioned:
        return self._put(wanted.properties.get("AlarmName") or wanted.physical_name(), {}, wanted)

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self._put(ref, before, wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("cloudwatch").delete_alarms(AlarmNames=[ref])

    def _put(self, name: str, before: Properties, wanted: Wanted) -> Provisioned:
        request = coercion.to_input(
            "cloudwatch", self.operation, {**wanted.properties, "AlarmName": name}, without=("Tags",)
        )
        self._call(**request)
        found = client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=[self.kind])[f"{self.kind}s"][0]
        _retag(found["AlarmArn"], before, wanted)
        return Provisioned(ref=name, attributes={"Arn": found["AlarmArn"]})

    def _call(self, **request: Any) -> None:
        raise NotImplementedError


@resource("AWS::CloudWatch::Alarm")
class Alarm(_Alarm):
    operation = "PutMetricAlarm"
    kind = "MetricAlarm"

    def _call(self, **request: Any) -> None:
        client("cloudwatch").put_metric_alarm(**request)


@resource("AWS::CloudWatch::Dashboard")
class Dashboard(Handler):
    """Ref is its name."""

    immutable = frozenset({"DashboardName"})

    def create(self, wanted: Wanted) -> Provisioned:
        return self._put(wanted.properties.get("DashboardName") or wanted.physical_name(), {}, wanted)

    def update(self, ref: str, before: Properties, wanted: Wanted) -> Provisioned:
        return self._put(ref, before, wanted)

    def delete(self, ref: str, properties: Properties) -> None:
        client("cloudwatch").delete_dashboards(DashboardNames=[ref])

    def _put(self, name: str, before: Properties, wanted: Wanted) -> Provisioned:
        told = client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=wanted.properties["DashboardBody"])
        if faults := told.get("DashboardValidationMessages"):
            raise ValueError(f"dashboard {name}: {faults}")
        _retag(client("cloudwatch").get_dashboard(DashboardName=name)["DashboardArn"], before, wanted)
        return Provisioned(ref=name)


@resource("AWS::CloudWatch::CompositeAlarm")
class CompositeAlarm(_Alarm):
    operation = "PutCompositeAlarm"
    kind = "CompositeAlarm"

    def _call(self, **request: Any) -> None:
        client("cloudwatch").put_composite_alarm(**request)
