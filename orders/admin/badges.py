"""Badges, links and times, as all pages of the admin show them."""

from datetime import datetime
from typing import Literal

from django.db.models import Model
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders.domain import Status
from shop.core.admin.lists import unbroken

Tone = Literal["good", "bad", "waits", "plain"]

TONES: dict[str, Tone] = {
    Status.AWAITING_PAYMENT: "waits",
    Status.CONFIRMED: "good",
    Status.PAID: "good",
    Status.REJECTED: "bad",
}


def badge(text: object, tone: Tone = "plain") -> SafeString:
    """Return `text` as a small coloured label; the text alone suffices without the colour."""
    return format_html('<span class="shop-badge shop-{}">{}</span>', tone, text)


def link_to(row: Model, text: object | None = None) -> SafeString:
    """Return a link to the page of `row`, with its own text or another."""
    return link_to_pk(row._meta.label_lower, row.pk, str(row) if text is None else text)


def link_to_pk(label: str, pk: object, text: object) -> SafeString:
    """Return a link to the page of a row that need not be read: `label` is "orders.order"."""
    url = reverse(f"admin:{label.replace('.', '_')}_change", args=[pk])
    return format_html('<a class="shop-link" href="{}">{}</a>', url, unbroken(text))


def moment(at: datetime) -> str:
    """Return a time to the millisecond, in UTC: several things happen to an order in a second."""
    return f"{formats.date_format(at, 'j M Y, H:i:s')}.{at.microsecond // 1000:03}"
