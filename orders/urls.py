"""Every URL of the shop but the admin's."""

from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from .api import drop, monitoring, pages, payment_callbacks, sandbox_payments, views

urlpatterns = [
    path("", pages.index, name="index"),
    path("favicon.ico", RedirectView.as_view(url=static("orders/mark.svg")), name="favicon"),
    path("healthz", monitoring.healthz, name="healthz"),
    path("metrics", monitoring.metrics, name="metrics"),
    path("readyz", monitoring.readyz, name="readyz"),
    path("sales/<str:slug>", drop.drop_page, name="drop"),
    path("test-payments/<str:order_id>", sandbox_payments.test_payment, name="test-payment"),
    path("problems/", pages.problem_list, name="problems"),
    path("problems/<slug:slug>", pages.problem_page, name="problem"),
    path("api/docs", pages.api_docs, name="api-docs"),
    path("api/v1/openapi.json", pages.openapi, name="openapi"),
    path("api/v1/orders", views.orders, name="orders"),
    path("api/v1/orders/<str:order_id>", views.order, name="order"),
    path("api/v1/orders/<str:order_id>/cancel", views.cancel, name="cancel"),
    path("api/v1/payments/callback", payment_callbacks.callback, name="payment-callback"),
    path("api/v1/payments/stripe", payment_callbacks.stripe_events, name="stripe-events"),
    path("api/v1/sales/<str:slug>", views.sale, name="sale"),
]
