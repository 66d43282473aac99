"""Metrics, alarms and dashboards, apart from each other, so that a new service adds a few lines to each.

- `metrics`: what is measured, one module for each source; nothing there decides anything.
- `alarms`: when that is bad, for whom, and why; one module for each part that is watched.
- `dashboards`: what a person looks at.

`docs/observability.md` says how a service is added.
"""
