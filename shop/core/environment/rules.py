"""Variables must not be unsafe where they are reached, or contradict each other."""

import re
from collections.abc import Mapping
from ipaddress import ip_address

from .forms import SECRET_BYTES, secret_bytes
from .stores import shared_databases

LEAST_SECRET_KEY = 32  # characters
STRIPE_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{24,}")


def contradictions(values: Mapping[str, str]) -> list[str]:
    """Return a line for each thing that variables, each of its form, must not say all the same."""
    return [*shared_databases(values), *_weak_secrets(values)]


def is_loopback(address: str) -> bool:
    """Tell whether only this machine can connect to `address`."""
    try:
        return address == "localhost" or ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def is_reachable(values: Mapping[str, str]) -> bool:
    """Tell whether the web process listens beyond this machine."""
    return not is_loopback(values.get("WEB_ADDRESS") or "127.0.0.1")


def _weak_secrets(values: Mapping[str, str]) -> list[str]:
    # A site under HTTPS stands behind a proxy that the network reaches.
    if not is_reachable(values) and not values.get("DJANGO_HTTPS"):
        return []
    key, wrong = values.get("DJANGO_SECRET_KEY", ""), []
    if key and (len(key) < LEAST_SECRET_KEY or len(set(key)) < 5):
        wrong.append(
            f"DJANGO_SECRET_KEY has {len(key)} characters, and the network reaches the web "
            f"process: {LEAST_SECRET_KEY} random ones are expected."
        )
    chosen = [each.strip() for each in values.get("PAYMENT_WEBHOOK_SECRET", "").split(",")]
    wrong += [
        f"PAYMENT_WEBHOOK_SECRET number {number} is not whsec_ and base64 of 24 to 64 bytes, and "
        f"the network reaches the web process: a guess would pay any order."
        for number, secret in enumerate(chosen, 1)
        if secret and secret_bytes(secret) not in SECRET_BYTES
    ]
    stripe = values.get("STRIPE_WEBHOOK_SECRET", "")
    if stripe and not STRIPE_SECRET.fullmatch(stripe):
        wrong.append(
            "STRIPE_WEBHOOK_SECRET is not whsec_ and 24 or more characters, and the network "
            "reaches the web process: a guess would pay any order."
        )
    return wrong
