"""What was done about accepted orders, and the product's answers: the demo's account. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proof.calls import RequestCounts

OK = 200


class Deed(StrEnum):
    """What customers and the payment provider do about an order."""

    PAYMENT = "payment.succeeded"
    FAILED_PAYMENT = "payment.failed"
    REFUND = "payment.refunded"
    CANCELLATION = "cancel"


# Whoever cancels may come too late; every other request has to be taken.
PROMISED: Mapping[Deed, frozenset[tuple[int, str]]] = {
    Deed.PAYMENT: frozenset({(OK, "")}),
    Deed.FAILED_PAYMENT: frozenset({(OK, "")}),
    Deed.REFUND: frozenset({(OK, "")}),
    Deed.CANCELLATION: frozenset({(OK, ""), (409, "not-cancellable")}),
}


@dataclass(frozen=True, slots=True)
class Dealing:
    """A deed, and its answer; `at` is in seconds from the sale's start."""

    deed: Deed
    status: int
    problem: str = ""
    state: str = ""  # of the payment provider's message, as the product has told it
    message_id: str = ""  # of a message of the payment provider
    at: float = 0.0

    @property
    def was_taken(self) -> bool:
        """Whether the product said yes to it."""
        return self.status == OK


class Dealings:
    """Everything that was done, order by order."""

    def __init__(self) -> None:
        self.of_order: defaultdict[str, list[Dealing]] = defaultdict(list)  # by the order's id
        self.unexpected: Counter[str] = Counter()  # by what came instead of a promised answer
        self.calls = RequestCounts()

    def note(self, order_id: str, dealing: Dealing) -> None:
        """Write down what was done about an order, and the answer."""
        self.of_order[order_id].append(dealing)
        if (dealing.status, dealing.problem) not in PROMISED[dealing.deed]:
            answer = f"{dealing.status} {dealing.problem}".strip()
            self.unexpected[f"{dealing.deed} answered {answer}"] += 1

    def taken(self, order_id: str) -> list[Dealing]:
        """Return what was done about an order, in turn, each that the product said yes to."""
        return [dealing for dealing in self.of_order.get(order_id, ()) if dealing.was_taken]

    def message_ids(self) -> dict[str, str]:
        """Return the order that each message of the provider is about which was taken."""
        return {
            dealing.message_id: order_id
            for order_id, dealings in self.of_order.items()
            for dealing in dealings
            if dealing.message_id and dealing.was_taken
        }
