"""All URLs of the site."""

from django.contrib import admin
from django.urls import include, path

# Here and not at the start of every process: workers and commands would load spreadsheets and
# charts that they never use, half a second and 20 MB each.
admin.autodiscover()
admin.site.index_title = "Dashboard"
admin.site.index_template = "console/dashboard.html"

urlpatterns = [
    path("admin/", include("console.urls")),
    path("admin/", admin.site.urls),
    path("", include("orders.urls")),
]

handler400 = "orders.api.pages.bad_request"
handler404 = "orders.api.pages.not_found"
handler500 = "orders.api.pages.server_error"
