"""An order's story as the timeline of its page, with what people did to the order in the admin."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.safestring import SafeString

from orders.domain import Status
from orders.models import Order
from orders.reads import order_story
from orders.reads.order_story import Entry, Fact
from orders.reads.selectors import payment_in_time

from .badges import TONES, Tone, link_to, moment

_ICONS = {  # of Material Symbols, by the kind of an entry or its first word
    "accepted": "check_circle",
    "persisted": "database",
    "order": "flag",
    "stock": "inventory_2",
    "payment": "payments",
    "delivery": "send",
    "dead_letter": "report",
    "dead_letter.resolved": "task_alt",
}
_TONES: dict[str, Tone] = {
    "accepted": "good",
    "delivery.pending": "waits",
    "delivery.delivered": "good",
    **{f"order.{status}": tone for status, tone in TONES.items()},
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, or is to happen, as the page shows it."""

    at: datetime
    icon: str  # of Material Symbols
    title: str
    tone: Tone = "plain"
    facts: list[tuple[str, SafeString | str]] = field(default_factory=list)  # name, value
    is_to_come: bool = False

    @property
    def when(self) -> str:
        return moment(self.at)


@dataclass(frozen=True, slots=True)
class Timeline:
    """An order's story, the oldest moment first."""

    moments: list[Moment]
    is_cut: bool  # whether a source holds more than is shown


def timeline_of(order: Order, *, now: datetime) -> Timeline:
    """Return what happened to `order`, which comes with its client, in at most seven queries."""
    story, actions = order_story.story_of(order.pk, order), list(_actions(order))
    shown = [
        *_moments(story.entries),
        *actions[: order_story.MAX_PER_SOURCE],
        *_end_of_hold(order, now),
    ]
    shown.sort(key=lambda each: each.at)
    return Timeline(shown, is_cut=story.is_cut or len(actions) > order_story.MAX_PER_SOURCE)


def _moments(entries: Iterable[Entry]) -> Iterator[Moment]:
    """Yield entries as moments; the movements of one change of the order are one moment."""
    for (at, kind, _), some in groupby(entries, key=_moment_key):
        each = list(some)
        yield Moment(
            at,
            _ICONS.get(kind) or _ICONS[kind.partition(".")[0]],
            each[0].title,
            "bad" if each[0].needs_attention else _TONES.get(kind, "plain"),
            [(fact.name, _value(fact)) for entry in each for fact in entry.facts],
        )


def _moment_key(entry: Entry) -> tuple[datetime, str, int]:
    own = 0 if entry.kind.startswith("stock.") else id(entry)
    return entry.at, entry.kind, own


def _value(fact: Fact) -> SafeString | str:
    return link_to(fact.row, fact.text) if fact.row else fact.text


def _end_of_hold(order: Order, now: datetime) -> Iterator[Moment]:
    if order.status == Status.AWAITING_PAYMENT and order.hold_expires_at:
        over = order.hold_expires_at <= now
        if payment_in_time(order):
            title = "The hold ends: a payment was received before, and is being applied"
        elif over:
            title = "The hold has ended: it is about to expire"
        else:
            title = "The hold ends, unless paid"
        yield Moment(order.hold_expires_at, "timer", title, "waits", is_to_come=not over)


def _actions(order: Order) -> Iterator[Moment]:
    """Yield what people did to the order here, from the log of the admin."""
    content_type = ContentType.objects.get_for_model(Order)  # kept in memory
    entries = LogEntry.objects.filter(content_type=content_type, object_id=str(order.pk))
    for entry in entries.select_related("user").order_by("pk")[: order_story.MAX_PER_SOURCE + 1]:
        by = [("By", entry.user.get_username())]
        yield Moment(entry.action_time, "person", entry.get_change_message(), facts=by)
