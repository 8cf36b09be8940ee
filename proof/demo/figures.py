"""The figures that sum up a demo sale."""

from collections import Counter
from collections.abc import Sequence
from math import ceil

from proof.answers import ACCEPTED, OVER_LIMIT, SOLD_OUT
from proof.percentiles import percentile

from .account.evidence import REJECTED, Evidence
from .account.follow_ups import Action
from .invariants.fulfilment import notified
from .invariants.placing import differing_replays
from .people.endings import OWING, SERVED_LATE, lifecycle_of
from .progress import rate

Figure = tuple[str, str, str]  # name, value, what it means here


def figures(evidence: Evidence) -> list[Figure]:
    """Return the rows of the summary."""
    return [
        *_sent(evidence),
        *_answered(evidence),
        *_persisted(evidence),
        *_ended(evidence),
        *_delivered(evidence),
        *_proven(evidence),
        *_speed(evidence),
        *_restarted(evidence),
    ]


def _sent(evidence: Evidence) -> list[Figure]:
    plan, calls = evidence.plan, evidence.book.calls
    units = f"orders for {sum(plan.stock.values()):,} units"
    late = f", {len(plan.latecomers):,} of them late"
    return [
        ("offered", f"{len(plan.orders):,}", units + (late if plan.latecomers else "")),
        ("sent", f"{calls.sent:,}", "requests" + _again(calls.sent_again)),
    ]


def _answered(evidence: Evidence) -> list[Figure]:
    book = evidence.book
    last = f"the rush took {book.rush.last_acceptance:.1f} s"
    limit = f"of {evidence.plan.limit} units a customer"
    differed = f"{differing_replays(evidence):,} differed from the first answer"
    return [
        ("accepted", f"{book.first[ACCEPTED]:,}", f"{book.units:,} units; {last}"),
        ("sold out", f"{book.first[SOLD_OUT]:,}", "nothing was held for them"),
        ("over the limit", f"{book.first[OVER_LIMIT]:,}", limit),
        ("looked up", f"{book.looked_up:,}", "right after acceptance"),
        ("replayed", f"{book.replayed:,}", differed),
    ]


def _persisted(evidence: Evidence) -> list[Figure]:
    persisted = [row for row in evidence.rows if row.status != REJECTED]
    after = evidence.persisted_after
    when = (
        "not all in time"
        if after is None
        else f"all within {_tenths(after)} s of the last acceptance"
    )
    return [
        ("persisted", f"{len(persisted):,}", when),
        ("rejected", f"{len(evidence.rows) - len(persisted):,}", ""),
    ]


def _ended(evidence: Evidence) -> list[Figure]:
    statuses = Counter(row.status for row in evidence.rows)
    lifecycles = [lifecycle_of(row) for row in evidence.rows]
    actions = Counter(
        follow_up.action
        for follow_ups in evidence.follow_ups.of_order.values()
        for follow_up in follow_ups
    )
    again = sum(lifecycle[: len(SERVED_LATE)] == SERVED_LATE for lifecycle in lifecycles)
    owed = sum(OWING in lifecycle for lifecycle in lifecycles)
    calls = evidence.follow_ups.calls
    return [
        (
            "paid",
            f"{statuses['paid']:,}",
            f"after {calls.sent:,} requests{_again(calls.sent_again)}",
        ),
        ("failed", f"{actions[Action.FAILED_PAYMENT]:,}", "payments; the order keeps its stock"),
        ("cancelled", f"{statuses['cancelled']:,}", "by their customers"),
        ("expired", f"{statuses['expired']:,}", f"not paid within {evidence.plan.hold_seconds} s"),
        ("refunded", f"{statuses['refunded']:,}", ""),
        ("paid late", f"{again + owed:,}", f"{again:,} got stock again, {owed:,} to be refunded"),
    ]


def _delivered(evidence: Evidence) -> list[Figure]:
    inbox, deliveries = evidence.inbox, evidence.ledger.deliveries
    mails = sum(
        each.count for each in deliveries if (each.channel, each.state) == ("email", "delivered")
    )
    repeated = sum(each.repeated for each in deliveries if each.channel == "webhook")
    how_often = f"{repeated:,} sent again, {inbox.duplicates:,} came twice"
    return [
        ("events", f"{sum(len(row.events) for row in evidence.rows):,}", "what became of orders"),
        ("delivered", f"{inbox.events.total():,}", f"events; {how_often}"),
        ("notified", f"{notified(evidence):,}", "orders, of every event in its sequence"),
        ("mails", f"{mails:,}", "to customers with an address"),
    ]


def _proven(evidence: Evidence) -> list[Figure]:
    during = sum(check.during for check in evidence.drift_checks)
    later = len(evidence.drift_checks) - during
    drift = max(
        (abs(check.drift) for check in evidence.drift_checks if check.drift is not None), default=0
    )
    return [
        ("oversold", f"{evidence.oversold.total():,}", "units"),
        ("drift", f"{drift:,}", f"units; looked {during} × during the sale, {later} × after"),
    ]


def _speed(evidence: Evidence) -> list[Figure]:
    book, rush = evidence.book, evidence.book.rush
    return [
        ("accept p50/p99", _milliseconds(book.times(accepted=True)), "ms"),
        ("refuse p50/p99", _milliseconds(book.times(accepted=False)), "ms"),
        ("orders/s", f"{rate(rush.answered, rush.last_answer):,}", "everything shares the machine"),
        (
            "accepted/s",
            f"{rate(rush.accepted, rush.last_acceptance):,}",
            "up to the last acceptance",
        ),
    ]


def _restarted(evidence: Evidence) -> list[Figure]:
    deaths = evidence.restarted
    names = ", ".join(name if times == 1 else f"{times} × {name}" for name, times in deaths.items())
    return [("restarted", f"{sum(deaths.values()):,}", names)] if deaths else []


def _again(reasons: Counter[str]) -> str:
    """Return what made clients send again, nothing where nothing did."""
    counts = ", ".join(f"{why} ({count:,})" for why, count in reasons.items())
    return f", again after {counts}" if counts else ""


def _tenths(seconds: float) -> str:
    """Return the next tenth: what was measured by sampling is an upper bound."""
    return f"{max(1, ceil(seconds * 10)) / 10:.1f}"


def _milliseconds(seconds: Sequence[float]) -> str:
    return " / ".join(f"{percentile(seconds, percent) * 1000:.1f}" for percent in (50, 99))
