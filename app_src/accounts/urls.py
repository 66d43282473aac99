from django.urls import path

from accounts import session_views, support_views, views

urlpatterns = [
    path("register/", views.RegisterView.as_view(), name="register"),
    path("login/", views.LoginView.as_view(), name="login"),
    path("refresh/", views.RefreshView.as_view(), name="refresh"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path("logout-everywhere/", session_views.LogoutEverywhereView.as_view(), name="logout-everywhere"),
    path("me/", views.MeView.as_view(), name="me"),
    path("password/", session_views.PasswordView.as_view(), name="password"),
    path("accesses/", support_views.AccessesView.as_view(), name="accesses"),
    path("sessions/", session_views.SessionsView.as_view(), name="sessions"),
    path("sessions/<uuid:pk>/", session_views.SessionView.as_view(), name="session"),
]
