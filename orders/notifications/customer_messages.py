"""Customer messages, in the customer's language: the same text for every channel to customers.

Each kind of event has a template of its own for each channel; a payment that has to go back
decides the kind, whatever else the event says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import formats, translation
from django.utils.translation import pgettext

from inventory.money import minor_digits

from .event_payload import EventPayload, Line


@contextmanager
def in_language_of(payload: EventPayload) -> Iterator[None]:
    """Speak the language that the order names in its metadata, if it is one of LANGUAGES."""
    wanted = payload.said("language")
    spoken = [code for code, _ in settings.LANGUAGES if code == wanted]
    with translation.override(spoken[0] if spoken else settings.LANGUAGE_CODE):
        yield


def render_message(channel: str, payload: EventPayload) -> str:
    """Return the message of `channel` about an event, as plain text, in the active language."""
    return render_to_string(f"orders/{channel}/{_kind(payload)}.txt", facts(payload)).strip()


def facts(payload: EventPayload) -> dict[str, Any]:
    """Return what templates may speak of, written as the language writes it."""
    until = payload.hold_expires_at
    return {
        "order_id": str(payload.order_id),
        "sale": " ".join((payload.sale_name or payload.sale).split()),  # it stands in subjects
        "lines": [_line(line, payload.currency) for line in payload.lines],
        "total": amount(payload.total, payload.currency),
        "pay_until": moment(until) if until else "",
        "refund_due": amount(payload.refund_due, payload.currency) if payload.refund_due else "",
    }


def amount(value: Decimal, currency: str) -> str:
    """Return an amount of money as the language writes it: 1,250.00 EUR."""
    digits = minor_digits(currency)
    return f"{formats.number_format(value, digits, force_grouping=True)} {currency}"


def moment(value: datetime) -> str:
    """Return a moment, to the minute, as the language writes it: 27 November 2026, 11:59 UTC."""
    pattern = pgettext("a moment, as Django's date filter writes it", "j F Y, H:i")
    return f"{formats.date_format(value.astimezone(UTC), pattern)} UTC"


def _kind(payload: EventPayload) -> str:
    """Return the kind of message: the order's new status, and whether money goes back."""
    became = payload.type.removeprefix("order.")
    return f"{became}_refund_due" if payload.refund_due else became


def _line(line: Line, currency: str) -> dict[str, Any]:
    return {
        "quantity": line.quantity,
        "product": line.product or line.sku,
        "amount": amount(line.quantity * line.unit_price, currency),
    }
