"""What lets a person who runs `up` buy on the drop page at once: a key, and test payments."""

import os
from collections.abc import Mapping
from pathlib import Path

from shop.core.environment import is_reachable
from shop.local.clients import api_key
from shop.local.credentials import Credentials
from shop.local.payments import VARIABLE as PAYMENT_SECRET
from shop.local.stack import Stack

KEY = "DROP_PAGE_API_KEY"
TEST_PAYMENTS = "TEST_PAYMENTS"
KEPT_AS = "drop_page_api_key"


def trying_out(state: Path, chosen: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings for trying out that nobody has `chosen`, with the key kept in `state`."""
    settings = {KEY: Credentials(state).get(KEPT_AS) or ""}
    if _nobody_pays_here(chosen):
        settings[TEST_PAYMENTS] = "true"
    return {name: value for name, value in settings.items() if name not in chosen}


def _nobody_pays_here(chosen: Mapping[str, str]) -> bool:
    """Tell whether this stack can only be a trial: its own database, this machine, no provider.

    Test payments let every holder of an order's id call it paid, so elsewhere they are asked for
    by name.
    """
    own = not any(chosen.get(name) for name in ("DATABASE_URL", PAYMENT_SECRET, "DJANGO_HTTPS"))
    return own and not is_reachable(chosen)


async def open_drop_page(stack: Stack, chosen: Mapping[str, str] = os.environ) -> None:
    """See to it that the drop page has a key that works, of a client of its own.

    At the first start, and where the database is another one than last time, the web process gets
    it by a change of processes: only a running stack can tell that a key is refused.
    """
    if KEY in chosen:
        return
    key = await api_key(stack, KEPT_AS, "drop-page")
    if stack.env[KEY] != key:
        stack.env[KEY] = key
        await stack.roll_web()
