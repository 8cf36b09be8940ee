"""A client's order and the answer to it: accepted, or refused for a reason. Pure."""

from dataclasses import dataclass

ACCEPTED, SOLD_OUT, OVER_LIMIT = "accepted", "sold-out", "purchase-limit"
ACCEPTED_STATUSES = (200, 201, 202)


@dataclass(frozen=True, slots=True)
class Answer:
    """The final answer to an order.

    Times are in seconds; `sent` and `at` count from the start of the load, `sent` to the first of
    all tries.
    """

    status: int
    outcome: str  # ACCEPTED, or the slug of the problem
    digest: bytes = b""  # of the body
    order_id: str = ""  # of an order that was accepted
    replayed: bool = False
    sent: float = 0.0
    at: float = 0.0
    took: float | None = None  # None: the client had asked to wait

    @property
    def accepted(self) -> bool:
        """Whether the order was accepted."""
        return self.outcome == ACCEPTED
