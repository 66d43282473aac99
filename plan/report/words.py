"""Numbers and sentences that every report has in common."""

from __future__ import annotations

import re

from plan.changes import Change, Kind
from plan.cost.bill import Sum
from plan.cost.prices import HOURS
from plan.outcome import Outcome
from plan.resources import shown
from plan.stateful import Refusal
from plan.time.interruptions import Interruption

MOST_FINDINGS = 60
"""Security sentences that a report for people shows; summary.json has all."""

ESTIMATE = (
    "Costs and times are estimates: list prices without tax, support and discounts, and planning values for durations. "
    "Every number has its source."
)


_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Whatever could move a cursor or turn the direction of a line."""


def printable(text: str) -> str:
    """Without control characters: names in templates are other people's."""
    return _CONTROL.sub("", text)


def usd(amount: float) -> str:
    """`1 234.50`."""
    return f"{amount:,.2f}".replace(",", " ")


def span(sum_: Sum) -> str:
    """`12.00`, or `12.00 to 34.00` where the least and the most differ."""
    if f"{sum_.least:.2f}" == f"{sum_.most:.2f}":
        return usd(sum_.most)
    return f"{usd(sum_.least)} to {usd(sum_.most)}"


def change_of(difference: Sum) -> str:
    """`+12.00`, `-3.00 to +4.00`, `0.00`."""
    least, most = (_signed(amount) for amount in (difference.least, difference.most))
    return least if least == most else f"{least} to {most}"


def _signed(amount: float) -> str:
    if abs(amount) < 0.005:
        return "0.00"
    return f"{'+' if amount > 0 else '-'}{usd(abs(amount))}"


def a_day(sum_: Sum) -> Sum:
    """Of a month's cost that of a day."""
    return Sum(least=sum_.least * 24 / HOURS, most=sum_.most * 24 / HOURS)


def minutes(seconds: float) -> str:
    """`45 s`, `12 min`, `1 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60} min"


def lasting(interruption: Interruption) -> str:
    """How long an interruption lasts."""
    least, most = interruption.least, interruption.most
    if least == most == 0:
        return "no interruption by itself"
    if least is None or most is None:
        return "for how long is not known"
    return f"{minutes(least)} to {minutes(most)}"


def headline(outcome: Outcome) -> str:
    """One sentence: what changes, and whether it may."""
    comparison = outcome.comparison
    if outcome.nothing:
        return f"Nothing changes in {outcome.environment.name} against {outcome.against}."
    counted = [f"{len(found)} {kind.value}" for kind in Kind if (found := comparison.of_kind(kind))]
    refused = [one for one in outcome.judgement.refusals if not one.allowed]
    end = f" Refused: {len(refused)} of what may not be lost." if refused else ""
    what = ", ".join(counted) or "no resource changes but for image and code"
    return f"{outcome.environment.name} against {outcome.against}: {what}.{end}"


def noise(outcome: Outcome) -> str:
    """The line that stands for the hashes of images and code."""
    counted: dict[str, int] = {}
    for resource in outcome.comparison.rehashed:
        counted[resource.type] = counted.get(resource.type, 0) + 1
    kinds = ", ".join(f"{number} × {kind}" for kind, number in sorted(counted.items()))
    return f"New image or code alone (hashes left out above): {kinds}" if kinds else ""


def refusal(one: Refusal) -> str:
    """Why something may not be lost, or that it may."""
    state = "allowed by plan.allow_replacement" if one.allowed else "REFUSED"
    kind = one.change.resource.type if one.change.before is None else one.change.before.type
    return f"{state}: {one.path} ({kind}) {one.fate}"


def remedy(one: Refusal, outcome: Outcome) -> str:
    """What to write into the configuration where it is meant."""
    name = outcome.environment.name
    return f'if it is meant: [plan] allow_replacement = ["{one.path}"] in config/{name}.toml, and a backup first'


def details(change: Change) -> list[str]:
    """What differs, one line for each property, and why it replaces."""
    lines = [f"{one.name}: {shown(one.old)} → {shown(one.new)}" for one in change.differences]
    return [*lines, *(f"because {why}" for why in change.why)]


def budget(outcome: Outcome) -> str:
    """How the bill stands to the environment's monthly budget."""
    limit = outcome.environment.budgets.monthly_usd
    total = outcome.bills.after.total
    if total.least > limit:
        return f"Above the budget of USD {limit} a month (budgets.monthly_usd) at the least count already."
    if total.most > limit:
        return f"Within the budget of USD {limit} a month at the least; at the most it would be exceeded."
    return f"Within the budget of USD {limit} a month (budgets.monthly_usd)."


def notes(outcome: Outcome) -> list[str]:
    """What a reader has to know beside the tables."""
    found = [
        f"The stack {stack.name} is not in the app any more. CDK leaves it where it is, and it goes on to cost: "
        f"cdk destroy {stack.name}"
        for stack in outcome.comparison.left_behind
    ]
    found += [
        f"plan.allow_replacement names {name}, which is neither replaced nor deleted: take it out again"
        for name in outcome.judgement.unused
    ]
    return found
