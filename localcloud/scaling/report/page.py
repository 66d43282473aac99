"""The outcome as one HTML page: no script, nothing loaded from elsewhere, light and dark, readable on paper."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import accumulate

from localcloud.document import document
from localcloud.scaling.checks import BUSY, Check
from localcloud.scaling.model import BACKLOG, CPU
from localcloud.scaling.outcome import Outcome, Result, duration
from localcloud.scaling.real import compare
from localcloud.scaling.real.compare import Comparison
from localcloud.scaling.real.trace import FLASH
from localcloud.scaling.report.plot import Line, Plot, as_svg
from localcloud.scaling.traces import Kind

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2733; --soft: #51606f; --line: #dfe5ea; --bad: #9c1c1c;
  --good: #1d6b3a; --on: #fff; --link: #0b4f8a; --a: #0b5cad; --b: #b3470f; --c: #6d7680; }
@media (prefers-color-scheme: dark) { :root { --page: #14191f; --ink: #e4e9ee; --soft: #a3b0bd; --line: #2e3842;
  --bad: #ff9a8f; --good: #7ed6a0; --on: #14191f; --link: #8cc4ff; --a: #7fb8ff; --b: #ffae70; --c: #98a3ae; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
  max-width: 70rem; padding: 1.2rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .2rem; }
a { color: var(--link); } p { margin: .3rem 0 .8rem; } .soft { color: var(--soft); }
.state { display: inline-block; padding: 0 .5rem; border-radius: .3rem; color: var(--on); background: var(--good);
  font-size: .85em; } .state.no { background: var(--bad); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 1.5rem; }
.plot { width: 100%; height: auto; font: 14px system-ui, sans-serif; }
.plot text { fill: var(--ink); } .plot .soft { fill: var(--soft); } .plot .name { font-weight: 600; }
.plot tspan.soft { font-weight: 400; }
.plot .halo { paint-order: stroke; stroke: var(--page); stroke-width: 4px; } .grid { stroke: var(--line); }
.mark { stroke: var(--soft); stroke-dasharray: 2 4; }
.line { fill: none; stroke-width: 2; } .line.a { stroke: var(--a); }
.line.b { stroke: var(--b); stroke-dasharray: 7 3; }
.line.c { stroke: var(--c); stroke-dasharray: 2 3; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: var(--soft); }
td a { white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.bad { color: var(--bad); font-weight: 600; } .scroll { overflow-x: auto; } details { margin: .6rem 0; }
summary { cursor: pointer; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } section { break-inside: avoid; } }
"""


def as_html(outcome: Outcome, comparison: Comparison | None = None) -> str:
    """The whole page."""
    ok = outcome.ok and (comparison is None or comparison.ok)
    real = _real(comparison) if comparison else ""
    title = f"Scaling of {escape(outcome.environment)}"
    extras = f", with {' and '.join(outcome.extras)}" if outcome.extras else ""
    sections = "\n".join(_section(index, result) for index, result in enumerate(outcome.results))
    body = f"""<main>
<h1>{title} {_state(ok)}</h1>
<p>Load traces, replayed against {escape(outcome.policy)}{escape(extras)}. Latencies and costs are estimates.</p>
<div class="scroll">{"".join(_overview(outcome))}</div>
{real}
{sections}
</main>"""
    return document(title=f"Scaling of {outcome.environment}", style=_STYLE, body=body)


def _state(ok: bool) -> str:
    return '<span class="state">ok</span>' if ok else '<span class="state no">failed</span>'


def _overview(outcome: Outcome) -> Iterator[str]:
    head = ("Changes", "Above 85 %", "Worst latency", "USD", "of the maximum's")
    yield '<table><thead><tr><th scope="col">Service</th><th scope="col">Trace</th>'
    yield "".join(f'<th scope="col" class="number">{name}</th>' for name in head)
    yield '<th scope="col">Checks</th></tr></thead><tbody>'
    for index, result in enumerate(outcome.results):
        numbers = (
            str(len(result.run.activities)),
            f"{result.busy_minutes} min",
            duration(result.worst_latency),
            f"{result.cost:.2f}",
            f"{100 * result.cost / result.cost_of_most:.0f} %",
        )
        yield f"<tr><td>{escape(result.run.service.name)}</td>"
        yield f'<td><a href="#run-{index}">{escape(result.run.trace.name)}</a></td>'
        yield "".join(f'<td class="number">{number}</td>' for number in numbers)
        yield f"<td>{_state(result.ok)}</td></tr>"
    yield "</tbody></table>"


def _section(index: int, result: Result) -> str:
    run = result.run
    plots = "\n".join(as_svg(plot, key=f"plot-{index}-{number}") for number, plot in enumerate(plots_of(result)))
    rows = "".join(_check(check) for check in result.checks)
    return f"""<section aria-labelledby="run-{index}">
<h2 id="run-{index}">{escape(run.service.name)}: {escape(run.trace.name)} {_state(result.ok)}</h2>
<p class="soft">{escape(run.trace.about)}; {run.task_hours:.1f} task hours at {result.price.usd_per_hour:.4f} USD</p>
<div class="plots">
{plots}
</div>
<details{"" if result.ok else " open"}><summary>{len(result.checks)} checks</summary>
<div class="scroll"><table><thead><tr><th scope="col">Check</th><th scope="col" class="number">Found</th>
<th scope="col" class="number">Allowed</th><th scope="col">Why</th></tr></thead><tbody>{rows}</tbody></table></div>
</details>
</section>"""


def _real(comparison: Comparison) -> str:
    recording = comparison.recording
    plots = "\n".join(
        as_svg(plot, key=f"plot-real-{number}") for number, plot in enumerate(compare.plots_of(comparison))
    )
    return f"""<section aria-labelledby="real">
<h2 id="real">{escape(comparison.service.name)}: run for real, beside the simulation {_state(comparison.ok)}</h2>
<p class="soft">{escape(FLASH.about)}; {recording.sent} requests of {1000 * recording.cost.request:.0f} ms of CPU,
{recording.failed} failed; desired counts within one task of each other in {100 * comparison.agreeing:.0f} % of the
minutes</p>
<div class="plots">
{plots}
</div>
</section>"""


def _check(check: Check) -> str:
    relation = "≥" if check.least else "≤"
    found = f"{check.number:.4g} {escape(check.unit)}"
    return (
        f'<tr><td>{escape(check.name)}</td><td class="number{"" if check.ok else " bad"}">{found}'
        f'{"" if check.ok else " ✗"}</td><td class="number">{relation} {check.bound:.4g}</td>'
        f"<td>{escape(check.reason)}</td></tr>"
    )


def plots_of(result: Result) -> Iterator[Plot]:
    """Load and tasks, CPU, latency or queue, and cost."""
    run, minutes = result.run, result.run.minutes
    seconds = 60.0 * len(minutes)
    yield Plot(
        title="Load and tasks",
        unit="tasks, and tasks' worth of work",
        seconds=seconds,
        lines=(
            Line(label="desired", values=[one.desired for one in minutes], style="a", step=True),
            Line(label="at work", values=[one.ready for one in minutes], style="b", step=True),
            Line(label="load", values=[one.demand for one in minutes], style="c"),
        ),
        marks=((result.template.maximum, "maximum"), (result.template.minimum, "minimum")),
    )
    thresholds = [
        (one.alarm.rule.threshold, f"{'out' if one.grows else 'in'} {one.alarm.rule.threshold:g}")
        for one in run.service.policies
        if CPU in one.alarm.metrics.values()
    ]
    yield Plot(
        title="CPU",
        unit="% of the tasks at work, and as CloudWatch has it",
        seconds=seconds,
        lines=(
            Line(label="at work", values=[one.busy for one in minutes], style="b"),
            Line(label="CPUUtilization", values=[one.cpu or 0.0 for one in minutes], style="a"),
        ),
        marks=(*thresholds, (BUSY, f"{BUSY:g}")),
        most=100.0,
    )
    if run.trace.kind is Kind.REQUESTS:
        yield Plot(
            title="Latency",
            unit="seconds, 95th percentile, estimate",
            seconds=seconds,
            lines=(Line(label="response", values=[one.latency for one in minutes], style="a"),),
            logarithmic=True,
        )
    else:
        threshold = result.template.threshold(BACKLOG)
        yield Plot(
            title="Queue",
            unit="jobs for each task",
            seconds=seconds,
            lines=(Line(label=BACKLOG, values=[one.backlog / max(1, one.ready) for one in minutes], style="a"),),
            marks=((threshold, f"out {threshold:g}"),) if threshold else (),
        )
    price = result.price.usd_per_hour / 60
    yield Plot(
        title="Cost",
        unit="USD, On-Demand, estimate",
        seconds=seconds,
        lines=(
            Line(label="these tasks", values=list(accumulate(one.billed * price for one in minutes)), style="a"),
            Line(
                label="always the maximum",
                values=list(accumulate(result.template.maximum * price for _ in minutes)),
                style="c",
            ),
        ),
    )
