"""Payments, refunds and cancellations of accepted orders, with the product's answers. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proof.calls import RequestCounts

OK = 200


class Action(StrEnum):
    """An action of a customer or the payment provider about an order."""

    PAYMENT = "payment.succeeded"
    FAILED_PAYMENT = "payment.failed"
    REFUND = "payment.refunded"
    CANCELLATION = "cancel"


# A cancellation may come too late; every other request has to be accepted.
PROMISED: Mapping[Action, frozenset[tuple[int, str]]] = {
    Action.PAYMENT: frozenset({(OK, "")}),
    Action.FAILED_PAYMENT: frozenset({(OK, "")}),
    Action.REFUND: frozenset({(OK, "")}),
    Action.CANCELLATION: frozenset({(OK, ""), (409, "not-cancellable")}),
}


@dataclass(frozen=True, slots=True)
class FollowUp:
    """An action and its answer; `at` is in seconds from the sale's start."""

    action: Action
    status: int
    problem: str = ""
    state: str = ""  # of the payment provider's message, as the product answers it
    message_id: str = ""  # of a message of the payment provider
    at: float = 0.0

    @property
    def was_accepted(self) -> bool:
        """Whether the product accepted it."""
        return self.status == OK


class FollowUps:
    """All follow-ups, order by order."""

    def __init__(self) -> None:
        self.of_order: defaultdict[str, list[FollowUp]] = defaultdict(list)  # by the order's id
        self.unexpected: Counter[str] = Counter()  # by what came instead of a promised answer
        self.calls = RequestCounts()

    def note(self, order_id: str, follow_up: FollowUp) -> None:
        """Note a follow-up of an order."""
        self.of_order[order_id].append(follow_up)
        if (follow_up.status, follow_up.problem) not in PROMISED[follow_up.action]:
            answer = f"{follow_up.status} {follow_up.problem}".strip()
            self.unexpected[f"{follow_up.action} answered {answer}"] += 1

    def accepted(self, order_id: str) -> list[FollowUp]:
        """Return the follow-ups of an order that the product accepted, in their order."""
        return [
            follow_up for follow_up in self.of_order.get(order_id, ()) if follow_up.was_accepted
        ]

    def message_ids(self) -> dict[str, str]:
        """Return the order of each accepted provider message, by the message's id."""
        return {
            follow_up.message_id: order_id
            for order_id, follow_ups in self.of_order.items()
            for follow_up in follow_ups
            if follow_up.message_id and follow_up.was_accepted
        }
