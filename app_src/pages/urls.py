"""The addresses of the pages. None begins with /receipts/: the CDN answers those from the bucket."""

from django.urls import path

from pages.views import accounts, inbox, review, upload

app_name = "pages"
urlpatterns = [
    path("", accounts.landing, name="landing"),
    path("register/", accounts.register, name="register"),
    path("login/", accounts.log_in, name="login"),
    path("logout/", accounts.log_out, name="logout"),
    path("upload/", upload.page, name="upload"),
    path("upload/announce/", upload.announce, name="announce"),
    path("upload/<uuid:receipt_id>/complete/", upload.complete, name="complete"),
    path("inbox/", inbox.page, name="inbox"),
    path("inbox/progress/", inbox.progress, name="progress"),
    path("inbox/<uuid:receipt_id>/", review.page, name="receipt"),
    path("inbox/<uuid:receipt_id>/delete/", review.delete, name="delete"),
]
