"""Checks of the settings: mistakes are reported at the start instead of at the first payment."""

from collections.abc import Sequence
from typing import Any

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from shop.core.environment import secret_bytes
from shop.core.error_text import first_line
from shop.core.stores.redis_permissions import missing_permissions


def check_payment_secrets(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Return an error for each payment secret that nothing can be verified with."""
    return [
        Error(
            f"Payment secret number {number} is not whsec_ and base64.",
            hint='echo "whsec_$(openssl rand -base64 32)" makes one for PAYMENT_WEBHOOK_SECRET.',
            id="orders.E001",
        )
        for number, secret in enumerate(settings.PAYMENT_WEBHOOK_SECRETS, 1)
        if not secret_bytes(secret)
    ]


def check_test_payments(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Return an error where anybody could call a real order paid."""
    if not (settings.TEST_PAYMENTS and settings.HTTPS):
        return []
    return [
        Error(
            "TEST_PAYMENTS is on where DJANGO_HTTPS is: whoever has an order could call it paid.",
            hint="Unset TEST_PAYMENTS. It is for trying out, on a machine of one's own.",
            id="orders.E002",
        )
    ]


def check_sms_sender(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Return an error where SMS_SENDER names nothing that can be made."""
    if not settings.SMS_SENDER:
        return []
    try:
        import_string(settings.SMS_SENDER)
    except Exception as error:  # its module is not ours, and may do anything
        said = f"SMS_SENDER={settings.SMS_SENDER}: {first_line(error)}"
        return [Error(said, hint="The dotted path of a class is expected.", id="orders.E004")]
    return []


def check_redis_permissions(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:
    """Return an error for each command that Redis refuses to our user; none where it is away."""
    try:
        missing = missing_permissions()
    except redis.RedisError:
        return []
    return [
        Error(
            f"The user in REDIS_URL may not use {name}.",
            hint="ACL SETUSER … +@all -@dangerous +info +config|get ~* allows all that is needed.",
            id="orders.E003",
        )
        for name in missing
    ]
