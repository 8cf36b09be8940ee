"""Dead letters: read, replayed, or given up."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from inventory.admin import of_order
from orders.domain import OrderRecord, format_order_id
from orders.errors import LetterResolved
from orders.models import DeadLetter, Order
from orders.services import dead_letters, triage
from shop.core import clock
from shop.core.admin import ReadOnlyAdmin, preformatted, table, unbroken

AT_ONCE = 50  # each is a transaction and a message of its own
PAYLOAD_SHOWN = 512


class ResolutionFilter(admin.SimpleListFilter):
    title = "resolution"
    parameter_name = "resolution"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("none", "Unresolved"), *DeadLetter.Resolution.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(resolution="" if value == "none" else value) if value else queryset


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """What was promised and could not be kept by itself: a person tries again or gives up."""

    list_display = ("id", "sale", "reason", "order", "created_at", "resolved")
    list_select_related = ("sale",)
    list_filter = (ResolutionFilter, "reason")
    search_fields = ("order_id",)
    search_help_text = "By order id, in full."
    ordering = ("resolution", "-pk")  # unresolved first
    actions = ("replay", "reject")
    fieldsets = (
        (None, {"fields": ("sale", "order_id", "reason", "detail", "created_at")}),
        ("What became of it", {"fields": ("resolved", "resolved_at")}),
        ("What it holds", {"fields": ("held_in_redis", "content")}),
        ("Where it came from", {"fields": ("entry_id", "epoch", "accepted_at", "held_until")}),
    )
    readonly_fields = (
        "created_at",
        "resolved",
        "held_in_redis",
        "content",
        "accepted_at",
        "held_until",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("payload", "detail", "units")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order_id", search_term), False

    @admin.display(description="order id")
    def order(self, letter: DeadLetter) -> SafeString | None:
        return unbroken(letter.order_id) if letter.order_id else None

    @admin.display(description="resolution", ordering="resolution")
    def resolved(self, letter: DeadLetter) -> str:
        return letter.get_resolution_display() or "Unresolved"

    @admin.display(description="units held in Redis")
    def held_in_redis(self, letter: DeadLetter) -> SafeString:
        if letter.resolution:
            return SafeString("None.")
        return table(("Allocation", "Units"), letter.units.items())

    @admin.display(description="content")
    def content(self, letter: DeadLetter) -> SafeString:
        record = dead_letters.record_of(letter)
        return preformatted(_as_text(record) if record else _as_hex(bytes(letter.payload)))

    @admin.display(description="accepted at")
    def accepted_at(self, letter: DeadLetter) -> str:
        return clock.rfc3339(letter.accepted_at_ms)

    @admin.display(description="held until")
    def held_until(self, letter: DeadLetter) -> str:
        return clock.rfc3339(letter.held_until_ms) if letter.held_until_ms else "for good"

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.change_deadletter")

    @admin.action(description="Replay", permissions=["resolve"])
    def replay(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        for letter in self._first(request, letters):
            self._tell(request, letter, *_replay(letter))

    @admin.action(description="Give up: reject and release the stock", permissions=["resolve"])
    def reject(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        for letter in self._first(request, letters):
            self._tell(request, letter, *_reject(letter))

    def _first(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        if letters.count() > AT_ONCE:
            rest = f"Only the first {AT_ONCE} were dealt with; do it again for the others."
            self.message_user(request, rest, messages.WARNING)
        return letters[:AT_ONCE]

    def _tell(self, request: HttpRequest, letter: DeadLetter, level: int, outcome: str) -> None:
        self.log_change(request, letter, outcome)
        self.message_user(request, f"Dead letter {letter.pk}: {outcome}", level)


def _replay(letter: DeadLetter) -> tuple[int, str]:
    try:
        persisted = triage.replay(letter)
    except LetterResolved as resolved:
        return messages.INFO, str(resolved)
    if not persisted:
        return messages.ERROR, "It still cannot be persisted; its units stay held in Redis."
    order = Order.objects.get(pk=str(letter.order_id))
    if order.status == Order.Status.REJECTED:
        return messages.WARNING, f"Order {order.pk} is rejected ({order.rejection})."
    return messages.SUCCESS, f"Order {order.pk} is persisted: {order.get_status_display()}."


def _reject(letter: DeadLetter) -> tuple[int, str]:
    try:
        triage.reject(letter)
    except LetterResolved as resolved:
        return messages.INFO, str(resolved)
    if not letter.units:
        return messages.WARNING, (
            "Rejected. What it holds cannot be read, so nothing was released: "
            f"manage.py reconcile {letter.sale.slug} shows what is missing."
        )
    return messages.SUCCESS, "Rejected; its stock is being released."


def _as_text(record: OrderRecord) -> str:
    fields = msgspec.structs.asdict(record) | {
        "order_id": format_order_id(record.order_id),
        "fingerprint": record.fingerprint.hex(),
        "lines": [msgspec.structs.asdict(line) for line in record.lines],
    }
    return json.dumps(fields, indent=2, ensure_ascii=False, default=repr)


def _as_hex(payload: bytes) -> str:
    left_out = len(payload) - PAYLOAD_SHOWN
    more = f"\n… and {left_out:,} bytes more" if left_out > 0 else ""
    return "This is no order that can be read:\n" + payload[:PAYLOAD_SHOWN].hex(" ", -4) + more
