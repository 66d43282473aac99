"""Rows of graphs, each with the thresholds of its alarms drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch

WIDTH = 24
"""Columns of a dashboard."""

HEIGHT = 6


@dataclass(frozen=True, kw_only=True)
class Graph:
    """`lines` on the left axis, `right` on the other; `limits` are thresholds by their label."""

    title: str
    lines: Sequence[cloudwatch.IMetric]
    right: Sequence[cloudwatch.IMetric] = ()
    limits: Sequence[tuple[str, float]] = ()
    from_zero: bool = True


def row(*graphs: Graph, beside: int = 0) -> list[cloudwatch.IWidget]:
    """Graphs side by side, of one width, in what `beside` columns of something else leave."""
    return [_widget(graph, width=(WIDTH - beside) // len(graphs)) for graph in graphs]


def heading(text: str) -> list[cloudwatch.IWidget]:
    return [
        cloudwatch.TextWidget(
            markdown=text, width=WIDTH, height=2, background=cloudwatch.TextWidgetBackground.TRANSPARENT
        )
    ]


def states(title: str, alarms: Sequence[cloudwatch.IAlarm], *, height: int = 4) -> list[cloudwatch.IWidget]:
    """A field for each alarm, in its colour."""
    return [cloudwatch.AlarmStatusWidget(title=title, alarms=list(alarms), width=WIDTH, height=height)]


def _widget(graph: Graph, *, width: int) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=graph.title,
        left=list(graph.lines),
        right=list(graph.right),
        width=width,
        height=HEIGHT,
        left_annotations=[
            cloudwatch.HorizontalAnnotation(label=label, value=value, color=cloudwatch.Color.RED)
            for label, value in graph.limits
        ],
        left_y_axis=cloudwatch.YAxisProps(min=0) if graph.from_zero else None,
        right_y_axis=cloudwatch.YAxisProps(min=0) if graph.right else None,
        live_data=True,
    )
