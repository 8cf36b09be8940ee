"""The lifecycles that an order may have, by the actions of its customer. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from proof.demo.account.follow_ups import Action, FollowUp
from proof.demo.account.ledger import Event, Row

CLOCKS_APART = 1.0  # seconds by which the clocks of the product's servers may differ
# The states of a payment that was accepted and has a claim to its order's stock.
COUNTS = ("pending", "applied")
OWING = "owing"  # the event says that money came in for which there is no stock

Lifecycle = tuple[str, ...]  # the types of an order's events, in turn

PAID_IN_TIME: Lifecycle = ("placed", "paid")
EXPIRED: Lifecycle = ("placed", "expired")
CANCELLED: Lifecycle = ("placed", "cancelled")
SERVED_LATE: Lifecycle = (*EXPIRED, "paid")
UNSERVED: Lifecycle = (*EXPIRED, OWING)
REFUNDED = "refunded"


class Actions(NamedTuple):
    """The actions about an order that the product accepted."""

    paid: bool
    refunded: bool
    cancelled: bool


def actions_of(accepted: Sequence[FollowUp]) -> Actions:
    """Return which actions are among the accepted follow-ups."""
    kinds = {follow_up.action for follow_up in accepted}
    return Actions(Action.PAYMENT in kinds, Action.REFUND in kinds, Action.CANCELLATION in kinds)


def lifecycle_of(row: Row) -> Lifecycle:
    """Return an order's lifecycle, by its events."""
    return tuple(_name(event) for event in row.events)


def was_in_time(row: Row, accepted: Sequence[FollowUp]) -> bool:
    """Return whether a payment is known to have been received before the order's hold ended."""
    return any(
        follow_up.action is Action.PAYMENT
        and follow_up.state in COUNTS
        and follow_up.at < row.hold_ends_at
        for follow_up in accepted
    )


def promised_lifecycles(done: Actions, *, in_time: bool) -> set[Lifecycle]:
    """Return the lifecycles that an order may have had after these actions.

    A payment may have been late, on a slow machine even where it was not planned so. Then the
    hold had ended, and the stock was reacquired, or there was none left.
    """
    if not done.paid:
        return {CANCELLED} if done.cancelled else {EXPIRED}
    served = {PAID_IN_TIME} if in_time else {PAID_IN_TIME, SERVED_LATE, UNSERVED}
    return {(*lifecycle, REFUNDED) for lifecycle in served} if done.refunded else served


def is_as_promised(row: Row, accepted: Sequence[FollowUp]) -> bool:
    """Return whether an order ended where its customer and the payment provider put it."""
    lifecycle = lifecycle_of(row)
    return (
        lifecycle in promised_lifecycles(actions_of(accepted), in_time=was_in_time(row, accepted))
        and row.status == _status(lifecycle)
        and row.owes is (lifecycle[-1] == OWING)
        and not _expired_early(row)
    )


def _expired_early(row: Row) -> bool:
    return any(
        event.type == "order.expired" and event.at < row.hold_ends_at - CLOCKS_APART
        for event in row.events
    )


def _status(lifecycle: Lifecycle) -> str:
    return "expired" if lifecycle[-1] == OWING else lifecycle[-1]


def _name(event: Event) -> str:
    return OWING if event.owes else event.type.removeprefix("order.")
