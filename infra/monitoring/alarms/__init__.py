"""When what is measured is bad: one module for each part that is watched.

Each adds its alarms to an `infra.monitoring.alarm.Alarms`. Thresholds are values of the configuration; beside each
stands why it is what it is, and why no data means what it means.
"""
