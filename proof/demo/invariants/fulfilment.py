"""The rules of an order after acceptance, each checked against all accounts: [] where it held."""

from collections import Counter

from proof.demo.account.evidence import REJECTED, SELLING, Evidence, units_in
from proof.demo.account.follow_ups import Action
from proof.demo.account.ledger import Row
from proof.demo.people.endings import OWING, REFUNDED, is_as_promised, lifecycle_of

from .placing import listed

HELD = "awaiting_payment"
# The state of a payment, by the end of its order.
SERVED, OWED, PAID_BACK = "applied", "refund_due", "paid_back"
DONE = "applied"  # any other message


def ended_wrongly(evidence: Evidence) -> list[str]:
    """Every order ended where its customer put it."""
    wrong: Counter[str] = Counter()
    for row in evidence.rows:
        if row.status == HELD:
            wrong["orders still held"] += 1
        elif row.status != REJECTED and not is_as_promised(
            row, evidence.follow_ups.accepted(row.order_id)
        ):
            wrong[f"orders that went {' → '.join(lifecycle_of(row))} unasked"] += 1
    return listed(wrong)


def not_on_sale_again(evidence: Evidence) -> list[str]:
    """Every unit that came back was on sale again."""
    last = next((check for check in reversed(evidence.drift_checks) if not check.during), None)
    if last is None or not last.balances:
        return ["unknown: not checked"]
    sold = units_in(evidence.rows, SELLING)
    return listed(
        {
            "units neither sold nor on sale": sum(
                abs(each.allocated - each.available - each.sold) for each in last.balances
            ),
            "units sold to nobody": sum(abs(each.sold - sold[each.sku]) for each in last.balances),
        }
    )


def misapplied_payments(evidence: Evidence) -> list[str]:
    """Every payment was applied exactly once."""
    sent = evidence.follow_ups.message_ids()
    rows = {row.order_id: row for row in evidence.rows}
    wrong: Counter[str] = Counter()
    kept = Counter(payment.message_id for payment in evidence.ledger.payments)
    wrong["messages not kept"] = sum(message_id not in kept for message_id in sent)
    wrong["messages kept more than once"] = sum(count > 1 for count in kept.values())
    wrong["messages that nobody sent"] = sum(message_id not in sent for message_id in kept)
    for payment in evidence.ledger.payments:
        row = rows.get(payment.order_id)
        if row is None or payment.state != _state_of(f"payment.{payment.type}", row):
            wrong[f"payments {payment.type} and {payment.state}"] += 1
    return listed(wrong)


def _state_of(action: str, row: Row) -> str:
    """Return the state that a message has to be in, by how its order ended."""
    if action != Action.PAYMENT:
        return DONE
    match lifecycle_of(row):
        case (*_, last) if last == OWING:
            return OWED
        case (*_, last) if last == REFUNDED:
            return PAID_BACK
        case _:
            return SERVED


def undelivered_events(evidence: Evidence) -> list[str]:
    """Every event reached the receiver, in sequence and rightly signed."""
    inbox = evidence.inbox
    undelivered = sum(
        not inbox.has_exactly(row.order_id, [(event.sequence, event.type) for event in row.events])
        for row in evidence.rows
    )
    known = {row.order_id for row in evidence.rows}
    return listed(
        {
            "orders of which too little, too much or in the wrong order was told": undelivered,
            "orders told of that there are not": sum(id_ not in known for id_ in inbox.of_order),
            **inbox.refused,
        }
    )


def notified(evidence: Evidence) -> int:
    """Return how many orders have all their events at the receiver, in sequence."""
    return sum(
        evidence.inbox.has_exactly(
            row.order_id, [(event.sequence, event.type) for event in row.events]
        )
        for row in evidence.rows
    )
