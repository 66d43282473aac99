"""Rules on events that come by way of CloudTrail: without a trail that logs they never fire."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.account.answer import Answer, failed, passed, unchecked
from preflight.account.api import Account, UnansweredError
from preflight.account.registry import check
from preflight.assembly import Assembly
from preflight.values import strings

DETAIL_TYPES = frozenset(
    {"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", "AWS Console Sign In via CloudTrail"}
)


@check("trail", title="A CloudTrail trail logs where rules wait for its events")
def trail(account: Account, assembly: Assembly) -> Iterator[Answer]:
    waiting = {
        region: names
        for region, rules in account.by_region(assembly, "AWS::Events::Rule").items()
        if (
            names := [
                rule.construct_path
                for rule in rules
                if DETAIL_TYPES & set(strings(rule.get("EventPattern", "detail-type")))
            ]
        )
    }
    here = bool(account.of_type(assembly, "AWS::CloudTrail::Trail"))

    def in_region(region: str) -> Iterator[Answer]:
        if here:
            yield passed(region, "these stacks make a trail")
            return
        unknown = ""
        for found in account.every("cloudtrail", "DescribeTrails", "trailList", region=region):
            name = found.get("TrailARN") or found.get("Name", "")
            try:
                status = account.ask("cloudtrail", "GetTrailStatus", region=region, Name=name) or {}
            except UnansweredError as error:
                # An organization's trail shows its status to the organization's own account only.
                unknown = str(error)
                continue
            if status.get("IsLogging"):
                yield passed(region, f"{name} logs")
                return
        if unknown:
            yield unchecked(region, unknown)
        else:
            yield failed(
                region,
                f"no trail logs; {', '.join(waiting[region])} would never fire",
                remedy="create a trail that records management events (aws cloudtrail create-trail, start-logging)",
            )

    yield from account.each(sorted(waiting), in_region)
