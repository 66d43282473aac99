"""`make dashboards`: writes each dashboard of the deployed environment as a page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from localcloud import aws, layout, outputs, supervision
from localcloud.console import LocalCloudError
from localcloud.dashboards.definition import AlarmStates, Metrics, read
from localcloud.dashboards.page import Filled, as_html
from localcloud.dashboards.reading import draw, states

OUTPUT = layout.REPOSITORY / "out" / "dashboards"


def write(*, hours: float | None = None, output: Path = OUTPUT) -> int:
    """`hours` replaces the time that the dashboards show. Raises LocalCloudError where nothing is deployed."""
    if not supervision.running() or not outputs.path().exists():
        raise LocalCloudError("the local cloud does not run", remedy="make up")
    client = partial(aws.client, "cloudwatch")
    # Every region is asked; dashboards themselves belong to none.
    watch = client(next(iter(outputs.stack_regions().values())))
    pages = watch.get_paginator("list_dashboards").paginate()
    names = sorted(entry["DashboardName"] for page in pages for entry in page["DashboardEntries"])
    if not names:
        raise LocalCloudError("no dashboard is deployed", remedy="make up")
    output.mkdir(parents=True, exist_ok=True)
    for name in names:
        dashboard = read(name, json.loads(watch.get_dashboard(DashboardName=name)["DashboardBody"]))
        if hours is not None:
            dashboard = replace(dashboard, back=timedelta(hours=hours))
        now = datetime.now(UTC)
        widgets = list(enumerate(dashboard.widgets))
        filled = Filled(
            dashboard=dashboard,
            drawn={
                n: draw(each, dashboard, client=client, now=now) for n, each in widgets if isinstance(each, Metrics)
            },
            states={n: states(each, client=client) for n, each in widgets if isinstance(each, AlarmStates)},
            at=now,
        )
        path = output / f"{name}.html"
        path.write_text(as_html(filled, others=names))
        print(path)
    return 0
