"""Orders as rows of an export: read page by page, each cell safe to open in a spreadsheet."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from inventory.money import format_amount
from orders.models import Order, OrderLine
from shop.core import clock

PAGE = 2000  # orders that are in memory at a time
# The field behind each column.
_SOURCES = {
    "id": "pk",
    "sale": "sale__slug",
    "client": "client__name",
    "request_id": "request_key",
    "customer": "customer",
    "email": "email",
    "status": "status",
    "rejection": "rejection",
    "currency": "currency",
    "total": "total",
    "refund_due": "refund_due",
    "accepted_at": "accepted_at",
    "hold_expires_at": "hold_expires_at",
    "persisted_at": "persisted_at",
    "metadata": "metadata",
}
COLUMNS = (*_SOURCES, "lines")
# A spreadsheet program takes a cell that begins so for a formula (OWASP, "CSV Injection"): also in
# the wide forms of these signs, behind blanks, and where a semicolon begins a new cell, as in half
# the countries of the world. Names of customers come from outside.
_SIGN = r"[\s\x00-\x1f\u200b-\u200f\ufeff]*[=+\-@＝＋－＠]"
_BEGINS = re.compile(rf"(?:[\t\r\n]|{_SIGN})")
_BEGINS_LATER = re.compile(rf"(?<!^)([;\t\r\n])(?={_SIGN})")
# Characters that neither XML nor PostgreSQL's or Python's UTF-8 can hold.
_UNHOLDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Row = list[str]


def pages(orders: QuerySet[Order]) -> Iterator[list[Row]]:
    """Yield these orders page by page, the newest first: each is found by the key that the one
    before has ended at, so that the last page costs no more than the first."""
    rest = orders.order_by("-pk")
    while found := list(rest[:PAGE].values_list(*_SOURCES.values())):
        yield _rows(found)
        rest = orders.order_by("-pk").filter(pk__lt=found[-1][0])


def _rows(found: list[tuple[Any, ...]]) -> list[Row]:
    lines = _lines({row[0] for row in found})
    return [_row(dict(zip(_SOURCES, row, strict=True)), lines[row[0]]) for row in found]


def _lines(order_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    lines = defaultdict(list)
    rows = OrderLine.objects.filter(order__in=order_ids).order_by("pk")
    for order_id, quantity, sku in rows.values_list(
        "order_id", "quantity", "allocation__product__sku"
    ):
        lines[order_id].append(f"{quantity} x {sku}")
    return lines


def _row(fields: dict[str, Any], lines: list[str]) -> Row:
    cells = [_cell(value, fields["currency"]) for value in fields.values()]
    return [*cells, "; ".join(lines)]


def _cell(value: Any, currency: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format_amount(value, currency)
    if isinstance(value, datetime):
        return clock.rfc3339(clock.to_ms(value))
    return guarded(str(value))


def guarded(text: str) -> str:
    """Return a text as a cell that no program takes for a formula, and every file can hold."""
    text = _BEGINS_LATER.sub(r"\1'", _UNHOLDABLE.sub("\ufffd", text))
    return f"'{text}" if _BEGINS.match(text) else text
