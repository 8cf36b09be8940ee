"""An account's second factor: codes of an app (TOTP, RFC 6238), and some for emergencies."""

import secrets

from django.contrib.auth.models import User
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

CODES = 8  # for use when the app is lost; each is valid once


class AccountUnknown(Exception):
    """There is no account of this name."""


def account(username: str) -> User:
    """Return the account `username`. Raises AccountUnknown."""
    try:
        return User.objects.get(username=username)
    except (User.DoesNotExist, ValueError) as error:
        raise AccountUnknown(f"There is no account {username!r}.") from error


def give_second_factor(user: User) -> tuple[str, list[str]]:
    """Replace the second factor of `user`. Returns the URL for an app, and the codes."""
    codes = [secrets.token_hex(5) for _ in range(CODES)]
    with transaction.atomic():
        remove_second_factor(user)
        app = TOTPDevice.objects.create(user=user, name="app")
        spare = StaticDevice.objects.create(user=user, name="codes")
        for code in codes:
            spare.token_set.create(token=code)
    return app.config_url, codes


def remove_second_factor(user: User) -> bool:
    """Let `user` sign in with the password alone. Returns whether there was a second factor."""
    deleted = [model.objects.filter(user=user).delete() for model in (TOTPDevice, StaticDevice)]
    return any(count for count, _ in deleted)
