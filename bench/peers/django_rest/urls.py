"""The URLs of the peer."""

from django.urls import path

from .views import OrdersView, alive

urlpatterns = [path("api/v1/orders", OrdersView.as_view()), path("healthz", alive)]
