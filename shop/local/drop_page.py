"""A key and test payments, with which the drop page of `up` sells at once."""

import os
from collections.abc import Mapping

from shop.core.environment import is_reachable

from .api_keys import Key
from .signed_payments import VARIABLE as PAYMENT_SECRET

KEY = "DROP_PAGE_API_KEY"
TEST_PAYMENTS = "TEST_PAYMENTS"
DROP_PAGE = Key("drop_page_api_key", client="drop-page")


def trying_out(chosen: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the trial settings that are not `chosen` already."""
    if TEST_PAYMENTS in chosen or not _nobody_pays_here(chosen):
        return {}
    return {TEST_PAYMENTS: "true"}


def drop_page_keys(chosen: Mapping[str, str] = os.environ) -> dict[str, Key]:
    """Return the key that the drop page is to have, by its variable, unless one was `chosen`."""
    return {} if KEY in chosen else {KEY: DROP_PAGE}


def _nobody_pays_here(chosen: Mapping[str, str]) -> bool:
    """Tell whether this stack can only be a trial: its own database, this machine, no provider.

    Test payments let every holder of an order's id call it paid, so elsewhere they are asked for
    by name.
    """
    own = not any(chosen.get(name) for name in ("DATABASE_URL", PAYMENT_SECRET, "DJANGO_HTTPS"))
    return own and not is_reachable(chosen)
