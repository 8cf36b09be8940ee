"""The roles: three groups, each with all permissions of the one before it.

They get their permissions after each `migrate`, when those of all apps exist. Permissions that a
deployment adds stay; those that it takes away come back, so a narrower role is a group of its own.
"""

from typing import Any

from django.apps import AppConfig
from django.db.models import Q, QuerySet

VIEWED_APPS = ("inventory", "orders")  # apps whose rows a viewer sees
OPERATOR = (
    "inventory.open_sale",
    "inventory.pause_sale",
    "inventory.extend_sale",
    "orders.replay_deadletter",
    "orders.resend_delivery",
)
MANAGER = (
    *OPERATOR,
    "inventory.close_sale",
    "inventory.restock_sale",
    "inventory.limit_sale",
    "inventory.add_product",
    "inventory.change_product",
    "orders.cancel_order",
    "orders.refund_order",
    "orders.handle_paymentnotice",
    "orders.handle_providermessage",
    "orders.export_order",
    "orders.reject_deadletter",
    "orders.repair_reconciliationrecord",
    "orders.add_apiclient",
    "orders.change_apiclient",
    "orders.add_endpoint",
    "orders.change_endpoint",
    "orders.test_endpoint",
)
ROLES: dict[str, tuple[str, ...]] = {"viewer": (), "operator": OPERATOR, "manager": MANAGER}


def grant_roles(sender: AppConfig, using: str, **_: Any) -> None:
    """Give each role its group with its permissions, on the database that was just migrated."""
    from django.contrib.auth.models import Group, Permission  # not before all apps are loaded

    permissions = Permission.objects.using(using)
    views = permissions.filter(
        content_type__app_label__in=VIEWED_APPS, codename__startswith="view_"
    )
    for role, names in ROLES.items():
        group, _created = Group.objects.using(using).get_or_create(name=role)
        group.permissions.add(*views, *_named(permissions, names))


def _named(permissions: QuerySet[Any], names: tuple[str, ...]) -> QuerySet[Any]:
    """Return the permissions of these names ("app.codename"), as far as they exist."""
    wanted = Q(pk__in=[])
    for name in names:
        app, codename = name.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return permissions.filter(wanted)
