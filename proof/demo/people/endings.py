"""What may become of an order, by what its customer did: a small table of lives. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from proof.demo.account.follow_ups import Dealing, Deed
from proof.demo.account.ledger import Event, Row

CLOCKS_APART = 1.0  # seconds by which the clocks of the product's servers may differ
# The states of a payment that was taken and has a claim to its order's stock.
COUNTS = ("pending", "applied")
OWING = "owing"  # the event says that money came in for which there is no stock

Life = tuple[str, ...]  # the types of an order's events, in turn

PAID_IN_TIME: Life = ("placed", "paid")
EXPIRED: Life = ("placed", "expired")
CANCELLED: Life = ("placed", "cancelled")
SERVED_LATE: Life = (*EXPIRED, "paid")
UNSERVED: Life = (*EXPIRED, OWING)
REFUNDED = "refunded"


class Deeds(NamedTuple):
    """What was done about an order, as far as the product said yes to it."""

    paid: bool
    refunded: bool
    cancelled: bool


def deeds(taken: Sequence[Dealing]) -> Deeds:
    """Return what the dealings that were taken amount to."""
    kinds = {dealing.deed for dealing in taken}
    return Deeds(Deed.PAYMENT in kinds, Deed.REFUND in kinds, Deed.CANCELLATION in kinds)


def life_of(row: Row) -> Life:
    """Return an order's life as its events tell it."""
    return tuple(_name(event) for event in row.events)


def was_in_time(row: Row, taken: Sequence[Dealing]) -> bool:
    """Return whether a payment is known to have been received before the order's hold ended."""
    return any(
        dealing.deed is Deed.PAYMENT and dealing.state in COUNTS and dealing.at < row.hold_ends_at
        for dealing in taken
    )


def promised_lives(done: Deeds, *, in_time: bool) -> set[Life]:
    """Return the lives that an order may have had after that.

    Who has paid may have been late, on a slow machine even if it was not meant so. Then the hold
    had ended, and the stock was taken again, or there was none left.
    """
    if not done.paid:
        return {CANCELLED} if done.cancelled else {EXPIRED}
    served = {PAID_IN_TIME} if in_time else {PAID_IN_TIME, SERVED_LATE, UNSERVED}
    return {(*life, REFUNDED) for life in served} if done.refunded else served


def is_as_promised(row: Row, taken: Sequence[Dealing]) -> bool:
    """Return whether an order ended where its customer and the payment provider put it."""
    life = life_of(row)
    return (
        life in promised_lives(deeds(taken), in_time=was_in_time(row, taken))
        and row.status == _status(life)
        and row.owes is (life[-1] == OWING)
        and not _expired_early(row)
    )


def _expired_early(row: Row) -> bool:
    return any(
        event.type == "order.expired" and event.at < row.hold_ends_at - CLOCKS_APART
        for event in row.events
    )


def _status(life: Life) -> str:
    return "expired" if life[-1] == OWING else life[-1]


def _name(event: Event) -> str:
    return OWING if event.owes else event.type.removeprefix("order.")
