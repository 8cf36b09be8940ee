"""What the values of products and sales have to be, as Django's forms and models check it."""

from django.core.exceptions import ValidationError

from .money import is_currency


def validate_currency(code: str) -> None:
    """Raises ValidationError where `code` is no currency that something can be sold in.

    The database checks the form alone: a currency that ends must not take its sales with it.
    """
    if not is_currency(code):
        raise ValidationError(f"{code[:20]!r} is no currency; write it like EUR (ISO 4217).")
