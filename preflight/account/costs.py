"""Cost anomaly monitors: an account has one for all services, and often has it already."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed
from preflight.account.api import Account
from preflight.account.registry import check
from preflight.assembly import Assembly
from preflight.values import text


@check("anomaly-monitors", title="No other anomaly monitor watches all services", constraints=(116,))
def anomaly_monitors(account: Account, assembly: Assembly) -> Iterator[Answer]:
    wanted = [
        monitor
        for monitor in account.of_type(assembly, "AWS::CE::AnomalyMonitor")
        if text(monitor.get("MonitorType")) == "DIMENSIONAL"
        and (monitor.get("MonitorDimension").absent or text(monitor.get("MonitorDimension")) == "SERVICE")
    ]
    if not wanted:
        return
    found = account.every("ce", "GetAnomalyMonitors", "AnomalyMonitors", region=account.region(wanted[0].stack))
    there = [
        monitor.get("MonitorArn", "")
        for monitor in found
        if monitor.get("MonitorType") == "DIMENSIONAL" and monitor.get("MonitorDimension", "SERVICE") == "SERVICE"
    ]
    for monitor in wanted:
        others = [arn for arn in there if arn != account.physical(monitor)]
        if others:
            yield failed(
                monitor.construct_path,
                f"{others[0]} exists, and an account has only one: AlreadyExists",
                remedy="give the app that monitor's ARN, or make a CUSTOM monitor",
            )
        else:
            yield passed(monitor.construct_path, "the account has no other one")
