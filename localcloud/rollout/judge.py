"""Whether a rehearsal went as it must. Pure functions of its record."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from localcloud.rollout.load.answers import Answer
from localcloud.rollout.record import Record, Rest
from localcloud.rollout.snapshot import Deployment

BACK_WITHIN = 60.0
"""Seconds from the alarm until the old version answers everything."""

DEVIATIONS = 3.0
"""Each request is drawn by itself, so that the canary's part of n requests spreads around n × share with
√(n × share × (1 - share)); a load balancer that keeps the share stays within three of these 99.9 % of the time."""

_EDGE = 2.0
"""Seconds by which a weight may have been in force before the first look that saw it, or after the last one."""

_SETTLED = 5.0
"""Seconds at the end of the load in which only the version that is to stay may answer."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that must hold, whether it does, and the figures."""

    name: str
    holds: bool
    said: str


def judge(record: Record) -> list[Check]:
    """Everything that must hold of this rehearsal."""
    checks: list[Callable[[Record], Check]] = [_no_receipt_lost, _one_version]
    if record.expects == "stays":
        checks += [_no_request_failed, _stayed]
    elif record.expects == "takes over":
        checks += [_took_over] if not record.undisturbed else [_no_request_failed, _took_over]
    else:
        checks += [_went_back, _reason_named]
        if record.undisturbed:
            checks += [_old_never_failed, _share]
            if record.alarmed and not record.shielded:
                checks.append(_back_in_time)
    return [check(record) for check in checks]


def affected(record: Record) -> list[Answer]:
    """Requests that the new version answered, or that got no answer of either."""
    return [
        answer
        for answer in record.answers
        if answer.release == record.new_release or (not answer.good and answer.release != record.old_release)
    ]


def new_group(record: Record) -> str:
    """The target group that did not serve in the beginning; empty where there is only one."""
    serving = record.snapshots[0].serving
    names = (group.name for snapshot in record.snapshots for group in snapshot.groups)
    return next((name for name in names if name != serving), "")


def exposure(record: Record) -> tuple[float, float] | None:
    """From when to when the new version's target group got requests; None when it never did.

    What is deployed after it, to bring the old version back, may use the same group.
    """
    group = new_group(record)
    ours = next((d.arn for d in deployments(record)), "")
    seen = [s.at for s in record.snapshots if s.weight(group) > 0 and s.deployment and s.deployment.arn == ours]
    return (seen[0] - _EDGE, seen[-1] + _EDGE) if seen else None


def deployments(record: Record) -> list[Deployment]:
    """Service deployments that began with this rehearsal, look by look."""
    return [s.deployment for s in record.snapshots if s.deployment and s.deployment.created_at >= record.deployed]


def back_at(record: Record) -> float | None:
    """When the old version had everything again: the last weight or affected request after the alarm."""
    window = exposure(record)
    last = max((answer.at for answer in affected(record)), default=None)
    ends = [moment for moment in (window[1] - _EDGE if window else None, last) if moment is not None]
    return max(ends) if ends else None


def most_affected(requests: int, percent: int) -> int:
    """Requests that a canary of `percent` may get of so many, with its spread."""
    share = percent / 100
    return math.floor(requests * share + DEVIATIONS * math.sqrt(requests * share * (1 - share)))


def _no_request_failed(record: Record) -> Check:
    failed = [answer for answer in record.answers if not answer.good]
    said = f"{len(failed)} of {len(record.answers)} requests failed{_example(failed)}"
    return Check(name="no request failed", holds=not failed and bool(record.answers), said=said)


def _no_receipt_lost(record: Record) -> Check:
    states = ", ".join(f"{count} {state}" for state, count in sorted(record.states.items()))
    said = f"{record.promised} acknowledged: {states or 'none'}"
    if record.lost:
        said += f"; lost: {', '.join(record.lost[:3])}{' …' if len(record.lost) > 3 else ''}"
    return Check(name="no receipt is lost", holds=not record.lost and record.promised > 0, said=said)


def _took_over(record: Record) -> Check:
    last = [answer for answer in record.answers if answer.ended >= record.ended - _SETTLED and answer.release]
    others = {answer.release for answer in last} - {record.new_release}
    rest = record.rest
    holds = bool(last) and not others and rest.stack == "UPDATE_COMPLETE" and rest.deployment == "SUCCESSFUL"
    said = f"deployment {rest.deployment}, stack {rest.stack}, last answers by {_releases(last)}"
    if reason := failure(record):
        said += f"; it went back: {reason}"
    return Check(name="the new version serves everything", holds=holds, said=said)


def _went_back(record: Record) -> Check:
    last = [answer for answer in record.answers if answer.ended >= record.ended - _SETTLED and answer.release]
    others = {answer.release for answer in last} - {record.old_release}
    rest = record.rest
    holds = (
        bool(last)
        and not others
        and rest.stack == "UPDATE_ROLLBACK_COMPLETE"
        and bool(record.cli_error)
        and rest.service == record.old_task_definition
    )
    said = f"deployment {rest.deployment}, stack {rest.stack}, last answers by {_releases(last)}"
    return Check(name="it goes back by itself", holds=holds, said=said)


def _stayed(record: Record) -> Check:
    """Weights as they were at every look, and no deployment of the service."""
    first = record.snapshots[0]
    weights = {group.name: group.weight for group in first.groups}
    others = [s for s in record.snapshots if {group.name: group.weight for group in s.groups} != weights]
    holds = not others and not deployments(record) and not record.cli_error and record.rest.weights == weights
    said = f"weights {weights} in all of {len(record.snapshots)} looks, no deployment of the service"
    if not holds:
        said = (
            f"weights were {weights}, {len(others)} looks saw others; {record.cli_error or 'the service was deployed'}"
        )
    return Check(name="the listener's weights stay", holds=holds, said=said)


def _reason_named(record: Record) -> Check:
    reason = failure(record)
    return Check(
        name="the failed release is named with the reason",
        holds=bool(reason) and bool(record.new_release),
        said=f"{record.new_release[:12]}: {reason or 'no reason was given'}",
    )


def failure(record: Record) -> str:
    """Why ECS took the release back, in its own words; empty when it did not say."""
    for deployment in reversed(deployments(record)):
        if deployment.rollback_reason or deployment.status.startswith("ROLLBACK"):
            return deployment.rollback_reason or deployment.reason
    return ""


def _old_never_failed(record: Record) -> Check:
    answers = [answer for answer in record.answers if answer.release == record.old_release]
    failed = [answer for answer in answers if not answer.good]
    said = f"{len(failed)} of {len(answers)} requests failed{_example(failed)}"
    return Check(name="no request failed on the old version", holds=not failed and bool(answers), said=said)


def _share(record: Record) -> Check:
    hit = affected(record)
    window = exposure(record)
    if record.shielded or window is None:
        return Check(
            name="nobody met the new version",
            holds=not hit and window is None,
            said=f"{len(hit)} requests met it{_example(hit)}",
        )
    if record.strategy != "canary":
        failed = sum(not answer.good for answer in hit)
        said = f"{len(hit)} requests met it, {failed} of them failed: {record.strategy} moves everybody at once"
        return Check(name="how many met the new version", holds=True, said=said)
    meanwhile = sum(window[0] <= answer.at <= window[1] for answer in record.answers)
    most = most_affected(meanwhile, record.canary_percent)
    said = (
        f"{len(hit)} of {meanwhile} requests met it ({100 * len(hit) / max(1, meanwhile):.1f} %), "
        f"{sum(not answer.good for answer in hit)} of them failed; {record.canary_percent} % are at most {most}"
    )
    return Check(name="no more than the canary's share met it", holds=len(hit) <= most, said=said)


def _back_in_time(record: Record) -> Check:
    back = back_at(record)
    if record.alarm_at is None or back is None:
        said = "no alarm spoke" if record.alarm_at is None else "nobody met the new version"
        return Check(name=f"back within {BACK_WITHIN:.0f} s of the alarm", holds=False, said=said)
    seconds = max(0.0, back - record.alarm_at)
    return Check(
        name=f"back within {BACK_WITHIN:.0f} s of the alarm",
        holds=seconds <= BACK_WITHIN,
        said=f"the last request met the new version {seconds:.1f} s after the alarm",
    )


def _one_version(record: Record) -> Check:
    rest = record.rest
    faults = faults_of(rest)
    loaded = ", ".join(name for name, weight in rest.weights.items() if weight > 0)
    said = "; ".join(faults) or f"{rest.service} on {loaded}, and nothing else"
    return Check(name="one version is left", holds=not faults, said=said)


def faults_of(rest: Rest) -> list[str]:
    """Where tasks, service, template, targets and weights disagree."""
    loaded = [name for name, weight in rest.weights.items() if weight > 0]
    return [
        fault
        for wrong, fault in (
            (rest.tasks != {rest.service}, f"tasks of {_listed(rest.tasks)} run, the service names {rest.service}"),
            (rest.service != rest.template, f"the stack names {rest.template}"),
            (not rest.stack.endswith("_COMPLETE"), f"the stack is {rest.stack}"),
            (len(loaded) != 1, f"weights {rest.weights}"),
            (any(rest.healthy.get(name, 0) == 0 for name in loaded), "requests go where nothing is healthy"),
            (
                any(count for name, count in rest.targets.items() if name not in loaded),
                "targets are left where no requests go",
            ),
        )
        if wrong
    ]


def _releases(answers: Iterable[Answer]) -> str:
    return _listed({answer.release[:12] for answer in answers}) or "nobody"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _example(failed: Sequence[Answer]) -> str:
    if not failed:
        return ""
    one = failed[0]
    return f"; the first: {one.action} {one.status or ''} {one.error}".rstrip()[:160]
