"""Did the sale come out right? Each invariant, judged from what clients and ledger say. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shop.local.demo.book import ACCEPTED, OVER_LIMIT, SOLD_OUT, Book
from shop.local.demo.ledger import Look, Row
from shop.local.demo.plan import Plan

REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a sale once it is over."""

    plan: Plan
    book: Book
    rows: Sequence[Row] = ()
    looks: Sequence[Look] = ()
    persisted_after: float | None = None  # seconds after the last yes; None: it never was, in time
    restarted: Mapping[str, int] = field(default_factory=dict)  # processes that died, how often

    def rows_by_key(self) -> Mapping[str, list[Row]]:
        """The ledger's orders by request key; more than one under a key is wrong."""
        found = defaultdict(list)
        for row in self.rows:
            found[row.key].append(row)
        return found


class Check(NamedTuple):
    """One invariant, and in what it was broken."""

    invariant: str
    broken: list[str]


def verdict(evidence: Evidence) -> list[Check]:
    """Judge every invariant."""
    return [
        Check("Every request got an answer that the API promises", _unexpected(evidence)),
        Check("Every accepted order is in the ledger exactly once", _not_once(evidence)),
        Check("Every accepted order that was looked up at once was found", _not_found(evidence)),
        Check("Every accepted order has exactly one event, order.placed", _events(evidence)),
        Check("Nothing is oversold", _oversold(evidence)),
        Check("Sold out was said exactly when the stock was gone", _wrongly_sold_out(evidence)),
        Check(
            f"The limit of {evidence.plan.limit} units a customer was held", _limit_broken(evidence)
        ),
        Check("Every repeated request got its first answer again", _replays(evidence)),
        Check("Redis and PostgreSQL agreed, during the sale and after it", _drift(evidence)),
    ]


def oversold(evidence: Evidence) -> int:
    """Return the units beyond the allocations, as told to clients or as written down."""
    stock = evidence.plan.stock
    told = _units(order.lines for order, _ in evidence.book.accepted(evidence.plan.orders))
    written = _units(row.lines for row in evidence.rows if row.status != REJECTED)
    return sum(max(0, max(told[sku], written[sku]) - stock[sku]) for sku in stock)


def differing_replays(evidence: Evidence) -> int:
    """Return the answers that were not those that the first request with their key got."""
    return sum(
        (later.status, later.digest) != (first.status, first.digest)
        for first, *others in evidence.book.answers.values()
        for later in others
    )


def rejected(evidence: Evidence) -> int:
    """Return the orders that PostgreSQL refused after Redis had accepted them."""
    return sum(row.status == REJECTED for row in evidence.rows)


def _unexpected(evidence: Evidence) -> list[str]:
    unanswered = sum(order.key not in evidence.book.answers for order in evidence.plan.orders)
    return _list({"orders without an answer": unanswered, **evidence.book.unexpected})


def _not_once(evidence: Evidence) -> list[str]:
    wrong: Counter[str] = Counter()
    rows = dict(evidence.rows_by_key())
    for order, answer in evidence.book.accepted(evidence.plan.orders):
        match rows.pop(order.key, []):
            case []:
                wrong["accepted orders missing"] += 1
            case [row] if row.status == REJECTED:
                wrong["accepted orders rejected"] += 1
            case [row] if (row.order_id, row.lines) != (answer.order_id, order.lines):
                wrong["accepted orders that became another order"] += 1
            case [_, _, *_]:
                wrong["accepted orders there more than once"] += 1
    wrong["orders that no client was told of"] = len(rows)
    return _list(wrong)


def _not_found(evidence: Evidence) -> list[str]:
    return _list(evidence.book.not_found)


def _events(evidence: Evidence) -> list[str]:
    wrong = sum(row.events != 1 for row in evidence.rows if row.status != REJECTED)
    missing = evidence.book.first[ACCEPTED] - sum(row.events for row in evidence.rows)
    return _list({"orders with none or several": wrong, "events too few or too many": abs(missing)})


def _oversold(evidence: Evidence) -> list[str]:
    return _list({"units sold that there were not": oversold(evidence)})


def _wrongly_sold_out(evidence: Evidence) -> list[str]:
    """Stock only ever falls during the sale, so what is left at the end was there all the time."""
    orders, book = evidence.plan.orders, evidence.book
    taken = _units(order.lines for order, _ in book.accepted(orders))
    left = {sku: units - taken[sku] for sku, units in evidence.plan.stock.items()}
    wrong = sum(
        all(quantity <= left[sku] for sku, quantity in order.lines.items())
        for order, _ in book.answered(orders, SOLD_OUT)
    )
    return _list({"orders refused though the stock was there": wrong})


def _limit_broken(evidence: Evidence) -> list[str]:
    plan, book = evidence.plan, evidence.book
    bought: Counter[str] = Counter()
    for order, _ in book.accepted(plan.orders):
        bought[order.customer] += order.units
    return _list(
        {
            "customers with more": sum(units > plan.limit for units in bought.values()),
            "orders refused within the limit": sum(
                bought[order.customer] + order.units <= plan.limit
                for order, _ in book.answered(plan.orders, OVER_LIMIT)
            ),
        }
    )


def _replays(evidence: Evidence) -> list[str]:
    # One answer to each key is the first; a client may have lost it, with its connection.
    unmarked = sum(
        max(0, sum(not answer.replayed for answer in told) - 1)
        for told in evidence.book.answers.values()
    )
    return _list(
        {
            "answers unlike the first": differing_replays(evidence),
            "answers not marked as replayed": unmarked,
        }
    )


def _drift(evidence: Evidence) -> list[str]:
    wrong = []
    for during, when in ((True, "during the sale"), (False, "after it")):
        looks = [look for look in evidence.looks if look.during is during]
        if all(look.drift is None for look in looks):
            reasons = ", ".join(look.reason for look in looks) or "nobody looked"
            wrong.append(f"unknown {when}: {reasons}")
        wrong += [f"units off {when}: {look.drift:,}" for look in looks if look.drift]
    return wrong


def _units(lines: Iterable[Mapping[str, int]]) -> Counter[str]:
    """Return the units of each SKU."""
    units: Counter[str] = Counter()
    for each in lines:
        units.update(each)
    return units


def _list(counts: Mapping[str, int]) -> list[str]:
    return [f"{what}: {count:,}" for what, count in counts.items() if count]
