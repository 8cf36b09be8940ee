"""The console's pages, among those of the web admin."""

from django.urls import path

from . import views

app_name = "console"
urlpatterns = [
    path("overview.json", views.overview_feed, name="overview"),
    path("inventory/sale/<int:sale_id>/live/", views.live_page, name="live"),
    path("inventory/sale/<int:sale_id>/live.json", views.live_feed, name="live-feed"),
    path("inventory/sale/<int:sale_id>/switch/<slug:name>/", views.switch_page, name="switch"),
]
