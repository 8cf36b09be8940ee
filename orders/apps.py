"""The Django app of orders."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate

from shop.core.processes import health

from .checks import (
    check_payment_secrets,
    check_redis_permissions,
    check_sms_sender,
    check_test_payments,
)


def _ensure_channels(sender: AppConfig, using: str, **_: Any) -> None:
    """Give the channels to customers their rows, which the admin switches on and off."""
    endpoint = sender.get_model("Endpoint")
    for channel, active in (("email", True), ("sms", False)):
        endpoint._default_manager.using(using).get_or_create(
            channel=channel, defaults={"active": active}
        )


class OrdersConfig(AppConfig):
    """Orders and their life, with the checks of their settings."""

    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        post_migrate.connect(_ensure_channels, sender=self)
        register(check_payment_secrets)
        register(check_test_payments)
        register(check_redis_permissions)
        register(check_sms_sender)
        from .reads.lateness import check_duties  # it needs the models, which are loaded by now

        health.CHECKS["duties"] = check_duties
