"""CloudWatch as AWS describes it: metrics, statistics, metric math, alarms, and what alarms do.

Every module but `store`, `engine` and `actions` is pure: it takes points and rules and gives answers, without clock,
thread or MiniStack. `localcloud.emulator.services.cloudwatch` puts the parts behind MiniStack's API.
"""
