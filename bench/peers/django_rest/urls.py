"""The URLs of the peer."""

from django.urls import path

from bench.peers.django_rest.views import OrdersView, alive

urlpatterns = [path("api/v1/orders", OrdersView.as_view()), path("healthz", alive)]
