"""A reading of a sale as text: plain lines for files and pipes, and JSON for programs."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from inventory.management.units import SkuStock, in_all
from inventory.money import format_amount
from shop.core import clock

from .pace import Pace
from .reading import Reading


def plain_picture(reading: Reading) -> Iterator[str]:
    """Yield a reading as lines of a name and a value."""
    sale, counts, compared = reading.sale, reading.counts, reading.ledger.compared
    facts: dict[str, object] = {
        "at": _time(reading.at),
        "sale": sale.slug,
        "state": reading.state.value,
        "opens": _time(sale.opens_at),
        "closes": _time(sale.closes_at),
        **{f"sku {sku.sku}": _units(sku) for sku in reading.stock},
        **_pace(counts.pace),
        "backlog": counts.backlog,
        "oldest_s": counts.oldest_seconds,
        "drift": compared.drift if compared else None,
        "compared": _time(compared.compared_at) if compared else None,
        **_payments(reading),
        "for_a_person": _pairs(reading.ledger.for_a_person),
    }
    width = max(map(len, facts)) + 2
    yield from (f"{name:<{width}}{_plain(value)}" for name, value in facts.items())
    yield from (f"{'trouble':<{width}}{trouble}" for trouble in reading.trouble)


def plain_line(reading: Reading) -> str:
    """Return a reading as one line, the units of all SKUs together."""
    counts, compared = reading.counts, reading.ledger.compared
    facts: dict[str, object] = {
        **_pace(counts.pace),
        "backlog": counts.backlog,
        "oldest_s": counts.oldest_seconds,
        "drift": compared.drift if compared else None,
        **_payments(reading),
        "for_a_person": sum(reading.ledger.for_a_person.values()),
    }
    facts.pop("last_minute")
    trouble = "".join(f"  trouble: {trouble}" for trouble in reading.trouble)
    units, rest = _units(in_all(reading.stock)), _pairs(facts)
    return f"{_time(reading.at)} {reading.sale.slug} {reading.state.value} {units} {rest}{trouble}"


def document(reading: Reading) -> dict[str, Any]:
    """Return a reading as `--json` has it (docs/commands.md)."""
    sale, counts, compared = reading.sale, reading.counts, reading.ledger.compared
    pace = counts.pace
    return {
        "at": _time(reading.at),
        "sale": sale.slug,
        "state": reading.state.value,
        "opens_at": _time(sale.opens_at),
        "closes_at": _time(sale.closes_at),
        "skus": [sku.document() for sku in reading.stock],
        "answers_per_second": pace and pace.answers,
        "accepted_per_second": pace and pace.accepted,
        "replayed_per_second": pace and pace.replayed,
        "rejected_per_second": pace and pace.rejected,
        "persisted_per_second": pace and pace.persisted,
        "p50_ms": pace and _bounded(pace.p50_ms),
        "p99_ms": pace and _bounded(pace.p99_ms),
        "last_minute": pace and pace.last_minute,
        "backlog": counts.backlog,
        "oldest_seconds": counts.oldest_seconds,
        "drift": compared.drift if compared else None,
        "compared_at": _time(compared.compared_at) if compared else None,
        "payments_waiting": reading.ledger.payments.count,
        "oldest_payment_seconds": reading.ledger.payments.age_seconds(reading.at),
        "due_back": {
            code: format_amount(due, code) for code, due in reading.ledger.payments.due_back.items()
        },
        "waiting_for_a_person": reading.ledger.for_a_person,
        "trouble": reading.trouble,
    }


def _payments(reading: Reading) -> dict[str, object]:
    waiting = reading.ledger.payments
    due = ",".join(f"{format_amount(due, code)}:{code}" for code, due in waiting.due_back.items())
    return {
        "payments": waiting.count,
        "oldest_payment_s": waiting.age_seconds(reading.at),
        "due_back": due or 0,
    }


def _pace(pace: Pace | None) -> dict[str, object]:
    names = ("accepted/s", "rejected/s", "replayed/s", "persisted/s", "p50_ms", "p99_ms")
    if pace is None:
        return dict.fromkeys((*names, "last_minute"))
    rejected = ",".join(f"{name}:{_plain(rate)}" for name, rate in pace.rejected.items())
    values = (pace.accepted, rejected or 0, pace.replayed, pace.persisted, pace.p50_ms, pace.p99_ms)
    minute = ",".join(map(str, pace.last_minute))
    return {**dict(zip(names, values, strict=True)), "last_minute": minute}


def _units(sku: SkuStock) -> str:
    document = sku.document()
    del document["sku"]
    return _pairs(document)


def _pairs(values: dict[str, Any]) -> str:
    pairs = values.items()
    return " ".join(f"{name.replace(' ', '_')}={_plain(value)}" for name, value in pairs)


def _plain(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _bounded(milliseconds: float | None) -> float | None:
    """Return null beyond the last bound, for JSON knows no infinity, and for no value."""
    return milliseconds if milliseconds is not None and isfinite(milliseconds) else None


def _time(moment: Any) -> str | None:
    return clock.rfc3339(clock.to_ms(moment)) if moment else None
