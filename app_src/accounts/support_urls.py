from django.urls import path

from accounts import support_views as views

urlpatterns = [
    path("find-user/", views.FindUserView.as_view(), name="support-user"),
    path("users/<uuid:user_id>/receipts/", views.SupportReceiptsView.as_view(), name="support-receipts"),
    path("users/<uuid:user_id>/receipts/<uuid:pk>/", views.SupportReceiptView.as_view(), name="support-receipt"),
    path("users/<uuid:user_id>/sessions/", views.SupportSessionsView.as_view(), name="support-sessions"),
]
