"""Rules for the values of products and sales, as Django's forms and models check them."""

import re
from datetime import datetime

from django.core.exceptions import ValidationError

from .domain import EARLIEST, LATEST, in_time
from .money import is_currency

OUT_OF_TIME = (
    f"A sale opens and closes between {EARLIEST:%Y-%m-%d} and {LATEST:%Y-%m-%d}; "
    "without a closing time it stays open until it is closed."
)
CLOSES_BEFORE_IT_OPENS = "A sale closes after it opens, and it opens now where no time is given."
# C0 and C1 controls, the line and paragraph separators, and halves of characters, which no database
# keeps and no page shows.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def validate_currency(code: str) -> None:
    """Raises ValidationError where `code` is no currency that something can be sold in.

    The database checks the form alone: a currency that ends must not take its sales with it.
    """
    if not is_currency(code):
        raise ValidationError(f"{code[:20]!r} is no currency; write it like EUR (ISO 4217).")


def validate_moment(moment: datetime) -> None:
    """Raises ValidationError where a sale cannot open or close at `moment`."""
    if not in_time(moment):
        raise ValidationError(OUT_OF_TIME)


def validate_name(name: str) -> None:
    """Raises ValidationError where `name` has characters that cannot be kept or shown."""
    if _UNPRINTABLE.search(name):
        raise ValidationError("A name has no control characters and no halves of characters.")
