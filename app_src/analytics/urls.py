from django.urls import path
from rest_framework.routers import SimpleRouter

from analytics.budget_views import BudgetAlertViewSet, BudgetViewSet
from analytics.spending import Grouping
from analytics.views import ComparisonView, RecurringView, SpendingView

router = SimpleRouter(use_regex_path=False)
router.register("budgets", BudgetViewSet, basename="budget")
router.register("alerts", BudgetAlertViewSet, basename="budget-alert")

urlpatterns = [
    *(
        path(f"{grouping}/", SpendingView.as_view(grouping=grouping), name=f"spending-by-{grouping}")
        for grouping in Grouping
    ),
    path("comparison/", ComparisonView.as_view(), name="comparison"),
    path("recurring/", RecurringView.as_view(), name="recurring"),
    *router.urls,
]
