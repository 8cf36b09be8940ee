"""The cost of a fault: the answers to clients compared with PostgreSQL's orders. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proof.answers import SOLD_OUT
from proof.ledger import LedgerOrder

from .book import Book

REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Findings:
    """Counts of orders, `oversold` of units. All but the first three have to be 0."""

    accepted: int  # orders that a client knows as accepted
    persisted: int  # of these, those that are in PostgreSQL
    reported_lost: int  # that the product itself has named as lost
    lost: int  # accepted, not in PostgreSQL, and not reported as lost
    duplicated: int  # more than one order, or more than one id, for a key
    oversold: int  # units beyond the allocation, in PostgreSQL or promised
    wrongly_rejected: int  # refused for a reason that is not true, or rejected after acceptance


def compare(
    book: Book, rows: Sequence[LedgerOrder], *, stock: Mapping[str, int], reported_lost: set[str]
) -> Findings:
    """Compare answers with `rows`; `stock` is in units by sale, `reported_lost` are order ids."""
    ids_by_key = _accepted_ids(book)
    every_id = set().union(*ids_by_key.values())
    in_ledger = {row.order_id for row in rows}
    return Findings(
        accepted=len(ids_by_key),
        persisted=len({row.key for row in rows if row.order_id in every_id}),
        reported_lost=len(every_id & reported_lost),
        lost=len(every_id - in_ledger - reported_lost),
        duplicated=_duplicated(ids_by_key, rows, reported_lost),
        oversold=_oversold(book, ids_by_key, rows, stock, reported_lost),
        wrongly_rejected=_wrongly_rejected(book, ids_by_key, rows, stock, reported_lost),
    )


def _accepted_ids(book: Book) -> dict[str, set[str]]:
    """Return the ids of the orders that were promised, by their key."""
    return {
        key: {each.order_id for each in book.answers[key] if each.accepted}
        for key in book.accepted()
    }


def _duplicated(
    ids_by_key: Mapping[str, set[str]], rows: Sequence[LedgerOrder], reported_lost: set[str]
) -> int:
    # A key whose order was lost, and said to be, may be used again for another one.
    two_ids = {key for key, ids in ids_by_key.items() if len(ids - reported_lost) > 1}
    standing = Counter(row.key for row in rows if row.status != REJECTED)
    return len(two_ids | {key for key, count in standing.items() if count > 1})


def _oversold(
    book: Book,
    ids_by_key: Mapping[str, set[str]],
    rows: Sequence[LedgerOrder],
    stock: Mapping[str, int],
    reported_lost: set[str],
) -> int:
    promised: Counter[str] = Counter()
    for key, ids in ids_by_key.items():
        order = book.orders[key]
        promised[order.sale] += order.units * len(ids - reported_lost)
    sold = _sold(rows)
    return sum(max(0, promised[sale] - units, sold[sale] - units) for sale, units in stock.items())


def _wrongly_rejected(
    book: Book,
    ids_by_key: Mapping[str, set[str]],
    rows: Sequence[LedgerOrder],
    stock: Mapping[str, int],
    reported_lost: set[str],
) -> int:
    taken = _sold(rows)
    for key, ids in ids_by_key.items():  # units that were taken when "sold out" was said
        taken[book.orders[key].sale] += book.orders[key].units * len(ids & reported_lost)
    sold_out = {sale for sale, units in stock.items() if taken[sale] >= units}
    refused = {
        key
        for key, answers in book.answers.items()
        for each in answers
        if not each.accepted
        and not (each.outcome == SOLD_OUT and book.orders[key].sale in sold_out)
    }
    rejected = {
        row.key
        for row in rows
        if row.status == REJECTED and row.order_id in ids_by_key.get(row.key, ())
    }
    return len(refused | rejected)


def _sold(rows: Sequence[LedgerOrder]) -> Counter[str]:
    sold: Counter[str] = Counter()
    for row in rows:
        if row.status != REJECTED:
            sold[row.sale] += row.units
    return sold
