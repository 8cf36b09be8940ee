"""Outcomes of one attempt to deliver, as a channel returns them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """It has arrived."""

    status: int | None = None  # as the other side answered: HTTP or SMTP


@dataclass(frozen=True, slots=True)
class RetryLater:
    """It has not arrived, and may another time: by the back-off, or after `wait_seconds`."""

    error: str
    status: int | None = None
    wait_seconds: float | None = None
    # The other side wants, or needs, to be left alone altogether for that time.
    endpoint_rests: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It will never arrive."""

    error: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class DisableEndpoint:
    """The other side wants no deliveries any more, this one included."""

    error: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class NotTried:
    """Nothing was sent: the claim is given back as if it had not been made."""


ENDLESS = GiveUp("no attempt came to an end")
# Nothing writes such a delivery. The last look before customers' data leaves is worth its price.
FOREIGN = GiveUp("the order is of another client than the endpoint")

Outcome = Delivered | RetryLater | GiveUp | DisableEndpoint | NotTried


def asks_to_be_left_alone(outcome: Outcome) -> bool:
    """Tell whether the other side wants no other delivery for now, or none at all."""
    return isinstance(outcome, DisableEndpoint) or (
        isinstance(outcome, RetryLater) and outcome.endpoint_rests
    )
