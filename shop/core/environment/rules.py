"""What variables must not say, alone or together: unsafe where it is reached, or contradicting."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from ipaddress import ip_address

from .stores import unusable_stores

LEAST_SECRET_KEY = 32  # characters
LEAST_TOKEN = 16  # characters
BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, 2.1
STRIPE_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{24,}")
SECRET_BYTES = range(24, 65)  # Standard Webhooks 1.0, "Signature scheme"


def contradictions(values: Mapping[str, str]) -> list[str]:
    """Return a line for each thing that variables of the right kinds must not say all the same."""
    return [*unusable_stores(values), *_weak_secrets(values), *_unusable_token(values)]


def is_loopback(address: str) -> bool:
    """Tell whether only this machine can connect to `address`."""
    try:
        return address == "localhost" or ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def is_reachable(values: Mapping[str, str]) -> bool:
    """Tell whether the web process listens beyond this machine."""
    return not is_loopback(values.get("WEB_ADDRESS") or "127.0.0.1")


def is_payment_secret(secret: str) -> bool:
    """Tell whether `secret` can check signatures: `whsec_` and base64 of 24 to 64 bytes."""
    try:
        return len(b64decode(secret.removeprefix("whsec_"), validate=True)) in SECRET_BYTES
    except (NotBase64, ValueError):
        return False


def _unusable_token(values: Mapping[str, str]) -> list[str]:
    token = values.get("METRICS_TOKEN", "")
    if not token or (len(token) >= LEAST_TOKEN and BEARER_TOKEN.fullmatch(token)):
        return []
    # Its value is not shown: what is nearly right is nearly the secret.
    wrong = (
        f"METRICS_TOKEN is not {LEAST_TOKEN} or more letters, digits and -._~+/ (RFC 6750, 2.1): a "
        f"shorter one is guessed, another one cannot be sent."
    )
    return [wrong]


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
        if secret and not is_payment_secret(secret)
    ]
    stripe = values.get("STRIPE_WEBHOOK_SECRET", "")
    if stripe and not STRIPE_SECRET.fullmatch(stripe):
        wrong.append(
            "STRIPE_WEBHOOK_SECRET is not whsec_ and 24 or more characters, and the network "
            "reaches the web process: a guess would pay any order."
        )
    return wrong
