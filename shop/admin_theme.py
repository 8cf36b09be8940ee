"""The look of the web admin and the links of its sidebar: settings of django-unfold.

An entry is shown to those who may open its page. Pages are named, not imported: apps lie above.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.urls import reverse_lazy

if TYPE_CHECKING:  # the settings, which read this module, come before what needs them
    from django.http import HttpRequest

TITLE = "Flash sale orders"
# From the mark's orange-red. White on 600, and 600 on white, have a contrast of more than 4.5:1.
PRIMARY = {
    "50": "oklch(97.6% .012 40)",
    "100": "oklch(94.6% .03 40)",
    "200": "oklch(89.5% .06 40)",
    "300": "oklch(82.5% .105 40)",
    "400": "oklch(73% .155 40)",
    "500": "oklch(64% .185 39)",
    "600": "oklch(52% .17 38)",
    "700": "oklch(46% .15 37)",
    "800": "oklch(40% .125 37)",
    "900": "oklch(35% .1 37)",
    "950": "oklch(24% .07 37)",
}

Item = dict[str, Any]


def unfold_settings(*, flower_url: str, metrics_open: bool) -> dict[str, Any]:
    """Return django-unfold's settings; `flower_url` is where the workers can be watched."""
    return {
        "SITE_TITLE": TITLE,
        "SITE_HEADER": TITLE,
        "SITE_SUBHEADER": "Operations",
        "SITE_ICON": _mark,
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _mark}],
        "BORDER_RADIUS": "8px",
        "STYLES": [_styles],
        "COLORS": {"primary": PRIMARY},
        "LOGIN": {"form": "console.sign_in.form.SignInForm"},
        "DASHBOARD_CALLBACK": "console.views.dashboard_context",
        "SIDEBAR": {"show_search": True, "navigation": _groups(flower_url, metrics_open)},
    }


def _groups(flower_url: str, metrics_open: bool) -> list[dict[str, Any]]:
    return [
        _group(
            "Live",
            {"title": "Dashboard", "icon": "monitoring", "link": reverse_lazy("admin:index")},
            _list("Sales", "bolt", "inventory.sale"),
            _list("Orders", "receipt_long", "orders.order"),
        ),
        _group(
            "To look at",
            _list("Dead letters", "report", "orders.deadletter"),
            _list("Lost orders", "search_off", "orders.lostorder"),
            _list("Payment notices", "payments", "orders.paymentnotice"),
            _list("Reconciliations", "balance", "orders.reconciliationrecord"),
        ),
        _group(
            "Stock",
            _list("Products", "sell", "inventory.product"),
            _list("Allocations", "inventory_2", "inventory.allocation"),
            _list("Stock movements", "swap_vert", "inventory.stockmovement"),
        ),
        _group(
            "Orders in detail",
            _list("Order lines", "list_alt", "orders.orderline"),
            _list("Order events", "history", "orders.orderevent"),
        ),
        _group(
            "Notifications",
            _list("Webhooks and channels", "webhook", "orders.endpoint"),
            _list("Deliveries", "send", "orders.delivery"),
        ),
        _group(
            "Access",
            _list("API clients", "key", "orders.apiclient"),
            _list("Users", "person", "auth.user"),
            _list("Roles", "groups", "auth.group"),
        ),
        _group(
            "Tools",
            *_workers(flower_url),
            {"title": "API reference", "icon": "api", "link": reverse_lazy("api-docs")},
            *_metrics(metrics_open),
        ),
    ]


def _metrics(are_open: bool) -> list[Item]:
    """Return the entry for the metrics, unless they want a token, which a link cannot carry."""
    entry = {"title": "Metrics", "icon": "query_stats", "link": reverse_lazy("metrics")}
    return [entry] if are_open else []


def _workers(flower_url: str) -> list[Item]:
    """Return the entry for Flower, where there is one; by its path it would look like the site."""
    entry = {"title": "Workers (Flower)", "icon": "local_florist", "link": flower_url}
    return [{**entry, "active": False}] if flower_url else []


def _group(title: str, *items: Item) -> dict[str, Any]:
    return {"title": title, "items": list(items)}


def _list(title: str, icon: str, model: str) -> Item:
    """Return an entry for the list of `model` ("app.model"), for those who may see its rows."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": _holds(f"{app}.view_{name}", f"{app}.change_{name}"),
    }


def _holds(*permissions: str) -> "Callable[[HttpRequest], bool]":
    def one_of_them(request: "HttpRequest") -> bool:
        return any(request.user.has_perm(permission) for permission in permissions)

    return one_of_them


def _mark(request: "HttpRequest") -> str:
    from django.templatetags.static import static

    return static("orders/mark.svg")


def _styles(request: "HttpRequest") -> str:
    from django.templatetags.static import static

    return static("orders/admin.css")
