"""What AWS itself says of the bill: a budget for the month, and anomalies."""

from __future__ import annotations

import json

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_ce as ce
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.config import Environment

_ACTUAL_PERCENT = (80, 100)
_FORECAST_PERCENT = 100


class Spending(Construct):
    """Both look at what carries the environment's tag, which has to be activated as a cost allocation tag once.

    Neither has a name: a changed budget is made anew beside the old one, whose name would be taken.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self._topic = topic
        self._add_budget()
        self._add_anomalies()

    def _add_budget(self) -> None:
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=self._environment.budgets.monthly_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:Environment${self._environment.name}"]},
            ),
            notifications_with_subscribers=[
                *(self._notification("ACTUAL", percent) for percent in _ACTUAL_PERCENT),
                self._notification("FORECASTED", _FORECAST_PERCENT),
            ],
        )

    def _notification(self, kind: str, percent: int) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
        return budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                notification_type=kind,
                comparison_operator="GREATER_THAN",
                threshold=percent,
                threshold_type="PERCENTAGE",
            ),
            subscribers=[budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=self._topic.topic_arn)],
        )

    def _add_anomalies(self) -> None:
        """A monitor of our own by tag: of those by service an account can have one only, and may have it already."""
        monitor = ce.CfnAnomalyMonitor(
            self,
            "AnomalyMonitor",
            monitor_name=f"SpendSmart-{self._environment.name}",
            monitor_type="CUSTOM",
            monitor_specification=json.dumps({"Tags": {"Key": "Environment", "Values": [self._environment.name]}}),
        )
        amount = str(self._environment.alarms.thresholds.anomaly_usd)
        ce.CfnAnomalySubscription(
            self,
            "Anomalies",
            subscription_name=f"SpendSmart-{self._environment.name}",
            frequency="IMMEDIATE",  # the only one that a topic can have
            monitor_arn_list=[monitor.ref],
            subscribers=[ce.CfnAnomalySubscription.SubscriberProperty(type="SNS", address=self._topic.topic_arn)],
            threshold_expression=json.dumps(
                {
                    "Dimensions": {
                        "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                        "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
                        "Values": [amount],
                    }
                }
            ),
        )
