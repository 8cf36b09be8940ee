"""All URLs of the site."""

from django.contrib import admin
from django.urls import include, path

admin.site.site_header = "Flash sale orders"
admin.site.site_title = "Flash sale orders"
admin.site.index_title = "Operations"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("orders.urls")),
]

handler400 = "orders.api.pages.bad_request"
handler404 = "orders.api.pages.not_found"
handler500 = "orders.api.pages.server_error"
