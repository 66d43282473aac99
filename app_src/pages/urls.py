"""The addresses of the pages. None begins with /receipts/: the CDN answers those from the bucket."""

from django.urls import path

from pages.views import accounts, inbox, review, settings, spending, upload

app_name = "pages"
urlpatterns = [
    path("", accounts.landing, name="landing"),
    path("register/", accounts.register, name="register"),
    path("login/", accounts.log_in, name="login"),
    path("logout/", accounts.log_out, name="logout"),
    path("upload/", upload.page, name="upload"),
    path("upload/announce-many/", upload.announce_many, name="announce-many"),
    path("upload/announce/", upload.announce, name="announce"),
    path("upload/<uuid:receipt_id>/complete/", upload.complete, name="complete"),
    path("inbox/", inbox.page, name="inbox"),
    path("inbox/export.csv", inbox.export_csv, name="export"),
    path("inbox/progress/", inbox.progress, name="progress"),
    path("inbox/<uuid:receipt_id>/", review.page, name="receipt"),
    path("inbox/<uuid:receipt_id>/retry/", review.retry, name="retry"),
    path("inbox/<uuid:receipt_id>/reread/", review.reread, name="reread"),
    path("inbox/<uuid:receipt_id>/decide/", review.decide, name="decide"),
    path("inbox/<uuid:receipt_id>/delete/", review.delete, name="delete"),
    path("spending/", spending.page, name="spending"),
    path("spending/alerts/<uuid:alert_id>/dismiss/", spending.dismiss, name="dismiss"),
    path("settings/", settings.page, name="settings"),
    path("settings/password/", settings.change_password, name="password"),
    path("settings/sessions/end/", settings.log_out_everywhere, name="logout-everywhere"),
    path("settings/sessions/<uuid:session_id>/end/", settings.end_session, name="end-session"),
    path("settings/budgets/", settings.set_budget, name="set-budget"),
    path("settings/budgets/<uuid:budget_id>/delete/", settings.delete_budget, name="delete-budget"),
    path("settings/remembered/<int:memory_id>/apply/", settings.apply_memory, name="apply-memory"),
    path("settings/remembered/<int:memory_id>/forget/", settings.forget, name="forget"),
    path("settings/leave/", settings.leave, name="leave"),
]
