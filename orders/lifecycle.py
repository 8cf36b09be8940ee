"""The life of an order as one table: every change of status there is, and what it brings with it.

    accepted ──┬─▶ awaiting_payment ──┬─▶ paid ──▶ refunded
               ├─▶ confirmed          ├─▶ cancelled ─┐  a late payment: ─▶ paid, if stock is left;
               └─▶ rejected           └─▶ expired ───┘  else it is paid back: ─▶ refunded

A change is made by `orders/services/transitions.py` alone (an order's first by `persist.py`): a
conditional update, with its movement in the ledger and its event in the same transaction.

    >>> PAY.sources[0].value, PAY.target.value, PAY.event.value, (PAY.held, PAY.sold)
    ('awaiting_payment', 'paid', 'order.paid', (-1, 1))
    >>> [change.target.value for change in CHANGES if Status.ACCEPTED in change.sources]
    ['awaiting_payment', 'confirmed', 'rejected']
"""

from dataclasses import dataclass

from .domain import EventType, Status


@dataclass(frozen=True, slots=True)
class Change:
    """One way from a status to another."""

    sources: tuple[Status, ...]
    target: Status
    event: EventType
    # The units that each unit of the order adds to the columns of its stock row.
    held: int = 0
    sold: int = 0


# An order's first status: the units were free in the ledger.
HOLD = Change((Status.ACCEPTED,), Status.AWAITING_PAYMENT, EventType.PLACED, held=+1)
SELL = Change((Status.ACCEPTED,), Status.CONFIRMED, EventType.PLACED, sold=+1)
REJECT = Change((Status.ACCEPTED,), Status.REJECTED, EventType.REJECTED)

PAY = Change((Status.AWAITING_PAYMENT,), Status.PAID, EventType.PAID, held=-1, sold=+1)
CANCEL = Change((Status.AWAITING_PAYMENT,), Status.CANCELLED, EventType.CANCELLED, held=-1)
EXPIRE = Change((Status.AWAITING_PAYMENT,), Status.EXPIRED, EventType.EXPIRED, held=-1)
REFUND = Change((Status.PAID,), Status.REFUNDED, EventType.REFUNDED, sold=-1)

# The money came after the hold had ended: the stock is taken once more, or the money goes back.
_LET_GO = (Status.CANCELLED, Status.EXPIRED)
PAY_LATE = Change(_LET_GO, Status.PAID, EventType.PAID, sold=+1)
REFUND_UNSERVED = Change(_LET_GO, Status.REFUNDED, EventType.REFUNDED)

CHANGES = (HOLD, SELL, REJECT, PAY, CANCEL, EXPIRE, REFUND, PAY_LATE, REFUND_UNSERVED)
