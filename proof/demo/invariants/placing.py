"""The rules of placing orders, checked against answers and ledger: [] where they held."""

from collections import Counter
from collections.abc import Mapping

from proof.answers import OVER_LIMIT, SOLD_OUT
from proof.demo.account.evidence import REJECTED, Evidence
from proof.demo.account.occupancy import Takings

PLACED = "order.placed"


def unexpected_answers(evidence: Evidence) -> list[str]:
    """Every request got an answer that the API promises."""
    unanswered = sum(order.key not in evidence.book.answers for order in evidence.plan.orders)
    unexpected = {**evidence.book.unexpected, **evidence.follow_ups.unexpected}
    return listed({"orders without an answer": unanswered, **unexpected})


def not_there_once(evidence: Evidence) -> list[str]:
    """Every accepted order is in the ledger exactly once."""
    wrong: Counter[str] = Counter()
    rows = dict(evidence.rows_by_key)
    for order, answer in evidence.accepted:
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
    return listed(wrong)


def not_found(evidence: Evidence) -> list[str]:
    """Every accepted order that was looked up at once was found."""
    return listed(evidence.book.not_found)


def not_placed_once(evidence: Evidence) -> list[str]:
    """Every accepted order has exactly one event order.placed, its first."""
    placed = [
        [event.sequence for event in row.events if event.type == PLACED] for row in evidence.rows
    ]
    wrong = sum(
        sequences != [1]
        for row, sequences in zip(evidence.rows, placed, strict=True)
        if row.status != REJECTED
    )
    missing = len(evidence.accepted) - sum(map(len, placed))
    return listed(
        {"orders with none or several": wrong, "events too few or too many": abs(missing)}
    )


def oversold(evidence: Evidence) -> list[str]:
    """Nothing is oversold, at any moment."""
    return listed({"units sold that there were not": evidence.oversold.total()})


def wrongly_sold_out(evidence: Evidence) -> list[str]:
    """Sold out was said only when the stock was gone.

    All units that may have been ordered before the refusal count as taken, and none as given
    back: so many were there at least.
    """
    taken = Takings(
        (sku, evidence.first_sent(order), units)
        for order, _ in evidence.accepted
        for sku, units in order.lines.items()
    )
    stock = evidence.plan.stock
    wrong = sum(
        all(units <= stock[sku] - taken.by(sku, answer.at) for sku, units in order.lines.items())
        for order, answer in evidence.book.orders_with(evidence.plan.orders, SOLD_OUT)
    )
    return listed({"orders refused though the stock was there": wrong})


def limit_broken(evidence: Evidence) -> list[str]:
    """The limit of units a customer was held, and no customer was refused within it."""
    limit = evidence.plan.limit
    taken = Takings(
        (order.customer, evidence.first_sent(order), order.units) for order, _ in evidence.accepted
    )
    refused = evidence.book.orders_with(evidence.plan.orders, OVER_LIMIT)
    return listed(
        {
            "customers with more": sum(units > limit for units in evidence.most_bought.values()),
            "orders refused within the limit": sum(
                taken.by(order.customer, answer.at) + order.units <= limit
                for order, answer in refused
            ),
        }
    )


def broken_replays(evidence: Evidence) -> list[str]:
    """Every repeated request got its first answer again."""
    # One answer to each key is the first; its client may have lost it with the connection.
    unmarked = sum(
        max(0, sum(not answer.replayed for answer in answers) - 1)
        for answers in evidence.book.answers.values()
    )
    return listed(
        {
            "answers unlike the first": differing_replays(evidence),
            "answers not marked as replayed": unmarked,
        }
    )


def differing_replays(evidence: Evidence) -> int:
    """Return how many repeated requests got another answer than the first one with their key."""
    return sum(
        (later.status, later.digest) != (first.status, first.digest)
        for first, *others in evidence.book.answers.values()
        for later in others
    )


def drift(evidence: Evidence) -> list[str]:
    """Redis and PostgreSQL agreed, during the sale and after it."""
    wrong = []
    for during, when in ((True, "during the sale"), (False, "after it")):
        drift_checks = [check for check in evidence.drift_checks if check.during is during]
        if all(check.drift is None for check in drift_checks):
            reasons = ", ".join(check.reason for check in drift_checks) or "not checked"
            wrong.append(f"unknown {when}: {reasons}")
        wrong += [f"units off {when}: {check.drift:,}" for check in drift_checks if check.drift]
    return wrong


def listed(counts: Mapping[str, int]) -> list[str]:
    """Return each wrong thing with its count; those that did not happen are left out."""
    return [f"{what}: {count:,}" for what, count in counts.items() if count]
