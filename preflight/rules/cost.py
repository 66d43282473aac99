"""Budgets and cost anomaly detection."""

from __future__ import annotations

import json
from collections.abc import Iterator

from preflight.assembly import Assembly, Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.presence import certain
from preflight.rules.support import exclusive
from preflight.values import Node, entries, text

_MONITOR = "AWS::CE::AnomalyMonitor"
_SUBSCRIPTION = "AWS::CE::AnomalySubscription"
_BUDGET = "AWS::Budgets::Budget"

_MONITOR_API = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_AnomalyMonitor.html"
_SUBSCRIPTION_API = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_AnomalySubscription.html"
_BUDGET_API = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Budget.html"
_NOTIFICATION_API = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Notification.html"
_ONE_MONITOR = "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2515"


def _service_monitors(assembly: Assembly) -> Iterator[Resource]:
    for monitor in assembly.of_type(_MONITOR):
        if text(monitor.get("MonitorType")) == "DIMENSIONAL" and text(monitor.get("MonitorDimension")) == "SERVICE":
            yield monitor


@rule(
    "COST-116",
    constraint=116,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="An account has one anomaly monitor over its services",
    otherwise="The second one fails with 'null (AlreadyExists)', and its stack rolls back.",
    remedy="Keep one monitor of dimension SERVICE for each account and let the others refer to its ARN, or use CUSTOM.",
    source=_ONE_MONITOR,
)
def one_service_monitor(assembly: Assembly) -> Iterator[Fault]:
    first: dict[object, Resource] = {}
    for monitor in _service_monitors(assembly):
        # Two stacks whose accounts are not known may go to two accounts.
        other = first.setdefault(monitor.stack.account or monitor.stack, monitor)
        if other is not monitor and not exclusive(other, monitor):
            yield Fault(
                at=str(monitor.get("MonitorDimension")),
                message=f"a second SERVICE monitor in the account, beside {other.construct_path}",
                resource=monitor,
            )


@rule(
    "COST-116b",
    constraint=116,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="The account may already have the anomaly monitor that Cost Explorer makes by default",
    otherwise="Where Cost Explorer made its default monitor, a SERVICE monitor fails with 'null (AlreadyExists)'.",
    remedy="Look for Default-Services-Monitor in the account; use its ARN, or a CUSTOM monitor.",
    source=_ONE_MONITOR,
    types=(_MONITOR,),
)
def default_service_monitor(monitor: Resource) -> Iterator[Fault]:
    if text(monitor.get("MonitorType")) == "DIMENSIONAL" and text(monitor.get("MonitorDimension")) == "SERVICE":
        yield Fault(at=str(monitor.get("MonitorDimension")), message="a SERVICE monitor, of which each account has one")


@rule(
    "COST-201",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An anomaly monitor has the dimension or the specification that its type asks for",
    otherwise="CreateAnomalyMonitor refuses it.",
    remedy="DIMENSIONAL takes MonitorDimension (with a specification for TAG and COST_CATEGORY only); "
    "CUSTOM takes MonitorSpecification alone.",
    source=_MONITOR_API,
    types=(_MONITOR,),
)
def monitor_type(monitor: Resource) -> Iterator[Fault]:
    kind = text(monitor.get("MonitorType"))
    dimension, specification = monitor.get("MonitorDimension"), monitor.get("MonitorSpecification")
    if kind == "CUSTOM":
        if specification.absent:
            yield Fault(at=str(specification), message="a CUSTOM monitor without MonitorSpecification")
        if dimension.present:
            yield Fault(at=str(dimension), message="a CUSTOM monitor with MonitorDimension")
    elif kind == "DIMENSIONAL":
        name = text(dimension)
        if dimension.absent:
            yield Fault(at=str(dimension), message="a DIMENSIONAL monitor without MonitorDimension")
        elif name in ("SERVICE", "LINKED_ACCOUNT") and specification.present:
            yield Fault(at=str(specification), message=f"a monitor of dimension {name} with MonitorSpecification")
        elif name in ("TAG", "COST_CATEGORY") and specification.absent:
            yield Fault(at=str(specification), message=f"a monitor of dimension {name} without MonitorSpecification")


@rule(
    "COST-117",
    constraint=117,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Immediate anomaly alerts go to SNS, daily and weekly ones to email",
    otherwise="CreateAnomalySubscription refuses the combination of frequency and subscriber.",
    remedy="Use IMMEDIATE with SNS subscribers only, DAILY or WEEKLY with EMAIL subscribers only; split mixed ones.",
    source=_SUBSCRIPTION_API,
    types=(_SUBSCRIPTION,),
)
def frequency(subscription: Resource) -> Iterator[Fault]:
    often = text(subscription.get("Frequency"))
    channel = {"IMMEDIATE": "SNS", "DAILY": "EMAIL", "WEEKLY": "EMAIL"}.get(often or "")
    for subscriber in entries(subscription.get("Subscribers")):
        kind = text(subscriber.get("Type"))
        if channel and kind in ("SNS", "EMAIL") and kind != channel:
            yield Fault(at=subscriber.path("Type"), message=f"{kind} subscriber of a subscription that is {often}")


@rule(
    "COST-117b",
    constraint=117,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="An anomaly subscription has one form of threshold",
    otherwise="CreateAnomalySubscription refuses it.",
    remedy="Give ThresholdExpression, and no Threshold.",
    source=_SUBSCRIPTION_API,
    types=(_SUBSCRIPTION,),
)
def one_threshold(subscription: Resource) -> Iterator[Fault]:
    number, expression = subscription.get("Threshold"), subscription.get("ThresholdExpression")
    if number.absent and expression.absent:
        yield Fault(at=str(expression), message="neither Threshold nor ThresholdExpression")
    elif number.present and expression.present:
        yield Fault(at=str(number), message="both Threshold and ThresholdExpression")


@rule(
    "COST-117c",
    constraint=117,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A threshold expression is JSON over the total impact of an anomaly",
    otherwise="CreateAnomalySubscription refuses the expression.",
    remedy="Use the dimensions ANOMALY_TOTAL_IMPACT_ABSOLUTE and ANOMALY_TOTAL_IMPACT_PERCENTAGE with the match option "
    "GREATER_THAN_OR_EQUAL, joined by And or Or.",
    source=_SUBSCRIPTION_API,
    types=(_SUBSCRIPTION,),
)
def threshold_expression(subscription: Resource) -> Iterator[Fault]:
    node = subscription.get("ThresholdExpression")
    written = text(node)
    if written is None:
        return
    try:
        expression = json.loads(written)
    except (ValueError, RecursionError):
        yield Fault(at=str(node), message="ThresholdExpression is not JSON")
        return
    message = _expression_fault(expression, depth=0)
    if message:
        yield Fault(at=str(node), message=message)


def _expression_fault(expression: object, *, depth: int) -> str | None:
    if not isinstance(expression, dict) or depth > 10:
        return "ThresholdExpression is not an expression object"
    for operator in ("And", "Or"):
        nested = expression.get(operator)
        if isinstance(nested, list):
            return next(filter(None, (_expression_fault(item, depth=depth + 1) for item in nested)), None)
    dimensions = expression.get("Dimensions")
    if not isinstance(dimensions, dict):
        return "ThresholdExpression has none of Dimensions, And and Or"
    if dimensions.get("Key") not in ("ANOMALY_TOTAL_IMPACT_ABSOLUTE", "ANOMALY_TOTAL_IMPACT_PERCENTAGE"):
        return f"dimension {dimensions.get('Key')} in a ThresholdExpression"
    if dimensions.get("MatchOptions") != ["GREATER_THAN_OR_EQUAL"]:
        return "a ThresholdExpression without the match option GREATER_THAN_OR_EQUAL"
    return None


@rule(
    "COST-118",
    constraint=118,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The name of a budget has no colon, backslash or '/action/' and at most 100 characters",
    otherwise="CreateBudget refuses the name.",
    remedy="Leave the name out, or write it with letters, digits, spaces and hyphens.",
    source=_BUDGET_API,
    types=(_BUDGET,),
)
def budget_name(budget: Resource) -> Iterator[Fault]:
    node = budget.get("Budget", "BudgetName")
    name = text(node)
    if name is not None and (not 1 <= len(name) <= 100 or any(part in name for part in (":", "\\", "/action/"))):
        yield Fault(at=str(node), message=f"budget name {name[:120]!r}")


@rule(
    "COST-118b",
    constraint=118,
    severity=Severity.COST,
    confidence=Confidence.DOCUMENTED,
    title="A named budget cannot change its subscribers",
    otherwise="NotificationsWithSubscribers is create-only: any edit replaces the budget, and the new one meets the "
    "old one's name.",
    remedy="Leave BudgetName out.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-budgets-budget.html",
    types=(_BUDGET,),
)
def named_budget(budget: Resource) -> Iterator[Fault]:
    name = budget.get("Budget", "BudgetName")
    if text(name) is not None and entries(budget.get("NotificationsWithSubscribers")):
        yield Fault(at=str(name), message="a fixed name on a budget with subscribers")


_CHOICES = {
    ("Budget", "BudgetType"): (
        "COST",
        "USAGE",
        "RI_UTILIZATION",
        "RI_COVERAGE",
        "SAVINGS_PLANS_UTILIZATION",
        "SAVINGS_PLANS_COVERAGE",
    ),
    ("Budget", "TimeUnit"): ("DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY", "CUSTOM"),
}
_NOTIFICATION_CHOICES = {
    "NotificationType": ("ACTUAL", "FORECASTED"),
    "ComparisonOperator": ("GREATER_THAN", "LESS_THAN", "EQUAL_TO"),
    "ThresholdType": ("PERCENTAGE", "ABSOLUTE_VALUE"),
}


def _not_one_of(node: Node, choices: tuple[str, ...]) -> Iterator[Fault]:
    value = text(node)
    if value is not None and value not in choices:
        yield Fault(at=str(node), message=f"{value} is none of {', '.join(choices)}")


@rule(
    "COST-202",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A budget and its notifications use the values that the Budgets API knows",
    otherwise="CreateBudget refuses the request.",
    remedy="Use one of the values listed.",
    source=_NOTIFICATION_API,
    types=(_BUDGET,),
)
def budget_values(budget: Resource) -> Iterator[Fault]:
    for keys, choices in _CHOICES.items():
        yield from _not_one_of(budget.get(*keys), choices)
    for notification in entries(budget.get("NotificationsWithSubscribers")):
        for key, choices in _NOTIFICATION_CHOICES.items():
            yield from _not_one_of(notification.get("Notification", key), choices)
        for subscriber in entries(notification.get("Subscribers")):
            yield from _not_one_of(subscriber.get("SubscriptionType"), ("EMAIL", "SNS"))


@rule(
    "COST-203",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A budget has at most 10 notifications, each with 1 SNS and 10 email subscribers at most",
    otherwise="CreateBudget refuses the request.",
    remedy="Send to one topic and let it fan out.",
    source=_NOTIFICATION_API,
    types=(_BUDGET,),
)
def subscribers(budget: Resource) -> Iterator[Fault]:
    notifications = certain(budget.get("NotificationsWithSubscribers"))
    if len(notifications) > 10:
        yield Fault(at="NotificationsWithSubscribers", message=f"{len(notifications)} notifications")
    for notification in notifications:
        kinds = [text(one.get("SubscriptionType")) for one in entries(notification.get("Subscribers"))]
        for kind, most in (("SNS", 1), ("EMAIL", 10)):
            if kinds.count(kind) > most:
                yield Fault(at=notification.path("Subscribers"), message=f"{kinds.count(kind)} {kind} subscribers")
        if notification.get("Subscribers").value == []:
            yield Fault(at=notification.path("Subscribers"), message="a notification without subscribers")


@rule(
    "COST-204",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A cost or usage budget has one limit",
    otherwise="CreateBudget refuses the request.",
    remedy="Give BudgetLimit, PlannedBudgetLimits or AutoAdjustData, and not the first two together.",
    source=_BUDGET_API,
    types=(_BUDGET,),
)
def budget_limit(budget: Resource) -> Iterator[Fault]:
    data = budget.get("Budget")
    limit, planned, adjusting = data.get("BudgetLimit"), data.get("PlannedBudgetLimits"), data.get("AutoAdjustData")
    if limit.present and planned.present:
        yield Fault(at=str(planned), message="both BudgetLimit and PlannedBudgetLimits")
    if text(data.get("BudgetType")) in ("COST", "USAGE") and limit.absent and planned.absent and adjusting.absent:
        yield Fault(at=str(limit), message="no limit")
