from django.urls import path

from analytics.spending import Grouping
from analytics.views import SpendingView

urlpatterns = [
    path(f"{grouping}/", SpendingView.as_view(grouping=grouping), name=f"spending-by-{grouping}")
    for grouping in Grouping
]
