"""Dead letters, with their meaning and the remedy: to replay, or to give up."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from inventory.admin import of_order
from orders.domain import OrderRecord, format_order_id
from orders.errors import LetterResolved
from orders.models import DeadLetter, Order
from orders.persistence import dead_letter_actions
from orders.services import dead_letters
from shop.core import clock
from shop.core.admin.lists import OfferedFilter, ReadOnlyAdmin, preformatted, table, unbroken

from .badges import Tone, badge, link_to_pk
from .confirmation import Outcome, Question, ask_about_rows, asks_first

AT_ONCE = 50  # each is a transaction and a message of its own
PAYLOAD_SHOWN = 512
REPLAY, REJECT = "orders.replay_deadletter", "orders.reject_deadletter"
_TONES: dict[str, Tone] = {"": "bad", "persisted": "good", "rejected": "plain"}
MEANINGS = {
    "unreadable": "The outbox entry is no order that this version can read: it was written by "
    "another version, or damaged. Replay it with the version that wrote it; else give it up.",
    "inconsistent": "The order names another sale than the one whose outbox held it. No replay "
    "helps: look at its content, then give it up.",
    "unknown-stock": "The order names stock that this sale does not have in PostgreSQL: the ledger "
    "was restored to an earlier state, or lost a row. Once the row is back, replay it.",
    "refused": "PostgreSQL refused the order and nothing else of its batch; the detail says why. "
    "Once the cause is mended, replay it.",
}


def _ask_to_replay(letter: DeadLetter, data: dict[str, Any] | None) -> Question:
    return Question(
        title="Replay this dead letter?",
        text="It is persisted as if it had just come out of the outbox: once, however often it is "
        "tried. The order was accepted; this keeps the promise, if stock and ledger allow it.",
        button="Replay",
        refusal=_resolved(letter),
        dangerous=False,
    )


def _ask_to_reject(letter: DeadLetter, data: dict[str, Any] | None) -> Question:
    return Question(
        title="Give up this dead letter?",
        text="It was accepted, and its customer gets no order: it reads as rejected from now on. "
        "Its units go back on sale; money paid for it is flagged to be refunded.",
        button="Give up and release the stock",
        refusal=_resolved(letter),
    )


def _resolved(letter: DeadLetter) -> str:
    return f"It is resolved: {letter.get_resolution_display()}." if letter.resolution else ""


class ResolutionFilter(OfferedFilter):
    """Dead letters by their resolution."""

    title = "resolution"
    parameter_name = "resolution"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("none", "Unresolved"), *DeadLetter.Resolution.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(resolution="" if value == "none" else value) if value else queryset


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Accepted orders that could not be persisted: a person replays them or gives them up."""

    list_display = ("id", "sale", "reason", "order", "created_at", "state")
    list_select_related = ("sale",)
    list_filter = (ResolutionFilter, "reason")
    search_fields = ("order_id",)
    search_help_text = "By order id, in full."
    ordering = ("resolution", "-pk")  # unresolved first
    actions = ("replay", "reject")
    actions_detail = ("replay_one", "reject_one")
    fieldsets = (
        (None, {"fields": ("sale", "order", "reason", "meaning", "detail", "created_at")}),
        ("What became of it", {"fields": ("state", "resolved_at")}),
        ("What it holds", {"fields": ("held_in_redis", "content")}),
        ("Where it came from", {"fields": ("entry_id", "epoch", "accepted_at", "held_until")}),
    )
    readonly_fields = (
        "order",
        "meaning",
        "created_at",
        "state",
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
        if letter.order_id and letter.resolution == DeadLetter.Resolution.PERSISTED:
            return link_to_pk("orders.order", letter.order_id, letter.order_id)
        return unbroken(letter.order_id) if letter.order_id else None

    @admin.display(description="what it means")
    def meaning(self, letter: DeadLetter) -> str:
        return MEANINGS.get(letter.reason, "")

    @admin.display(description="resolution", ordering="resolution")
    def state(self, letter: DeadLetter) -> SafeString:
        text = letter.get_resolution_display() or "Unresolved"
        return badge(text, _TONES.get(letter.resolution, "plain"))

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

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(REPLAY)

    def has_reject_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(REJECT)

    @asks_first(
        permission=REPLAY,
        description="Replay",
        icon="replay",
        ask=_ask_to_replay,
        url_path="replay",
    )
    def replay_one(self, request: HttpRequest, letter: DeadLetter, _: Question) -> Outcome:
        return Outcome(*_replay(letter))

    @asks_first(
        permission=REJECT,
        description="Give up",
        icon="block",
        ask=_ask_to_reject,
        url_path="reject",
    )
    def reject_one(self, request: HttpRequest, letter: DeadLetter, _: Question) -> Outcome:
        return Outcome(*_reject(letter))

    @admin.action(description="Replay", permissions=["replay"])
    def replay(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        for letter in self._first(request, letters):
            self._report(request, letter, *_replay(letter))

    @admin.action(description="Give up: reject and release the stock", permissions=["reject"])
    def reject(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> HttpResponse | None:
        question = Question(
            title="Give up these dead letters?",
            text="They were accepted, and their customers get no order. The units go back on sale.",
            button="Give up and release the stock",
        )
        if page := ask_about_rows(self, request, letters, question):
            return page
        for letter in self._first(request, letters):
            self._report(request, letter, *_reject(letter))
        return None

    def _first(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        if letters.count() > AT_ONCE:
            rest = f"Only the first {AT_ONCE} were dealt with; do it again for the others."
            self.message_user(request, rest, messages.WARNING)
        return letters[:AT_ONCE]

    def _report(self, request: HttpRequest, letter: DeadLetter, level: int, outcome: str) -> None:
        self.log_change(request, letter, outcome)
        self.message_user(request, f"Dead letter {letter.pk}: {outcome}", level)


def _replay(letter: DeadLetter) -> tuple[int, str]:
    try:
        persisted = dead_letter_actions.replay(letter)
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
        dead_letter_actions.reject(letter)
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
