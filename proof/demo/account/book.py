"""The answers of a demo sale, order by order, as its clients got them. Pure."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass

from proof.answers import ACCEPTED, Answer
from proof.calls import RequestCounts
from proof.demo.people.order_plans import PlannedOrder
from proof.percentiles import percentile

RECENT = 500  # answers that the current median is taken from


@dataclass
class Pace:
    """How fast orders were answered; times are in seconds from the sale's start."""

    answered: int = 0
    accepted: int = 0
    last_answer: float = 0.0
    last_acceptance: float = 0.0

    def note(self, answer: Answer) -> None:
        """Count the first answer to an order."""
        self.answered += 1
        self.last_answer = answer.at
        if answer.accepted:
            self.accepted += 1
            self.last_acceptance = answer.at


class Book:
    """Every answer, and counts of them for the progress display."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}  # by the order's key
        self.first: Counter[str] = Counter()  # orders by their first answer's outcome
        self.units = 0  # accepted
        self.replayed = 0
        self.rush = Pace()
        self.calls = RequestCounts()
        self.unexpected: Counter[str] = Counter()  # by what came instead of an answer to the order
        self.looked_up = 0
        self.not_found: Counter[str] = Counter()  # accepted orders, by the reason
        self._recent: deque[float] = deque(maxlen=RECENT)

    @property
    def answered(self) -> int:
        """Orders that have an answer."""
        return len(self.answers)

    @property
    def recent_median(self) -> float:
        """In seconds."""
        return percentile(self._recent, 50)

    def note(self, order: PlannedOrder, answer: Answer) -> bool:
        """Write down an answer to `order`. Returns whether it is the order's first."""
        answers = self.answers.setdefault(order.key, [])
        answers.append(answer)
        self.replayed += answer.replayed
        if answer.took is not None:
            self._recent.append(answer.took)
        if len(answers) > 1:
            return False
        self.first[answer.outcome] += 1
        if answer.accepted:
            self.units += order.units
        if not order.comes_late:
            self.rush.note(answer)
        return True

    def accepted(self, orders: Iterable[PlannedOrder]) -> list[tuple[PlannedOrder, Answer]]:
        """Return those of `orders` that were accepted, with the first answer."""
        return self.orders_with(orders, ACCEPTED)

    def orders_with(
        self, orders: Iterable[PlannedOrder], outcome: str
    ) -> list[tuple[PlannedOrder, Answer]]:
        """Return those of `orders` whose first answer was `outcome`, with that answer."""
        return [
            (order, answers[0])
            for order in orders
            if (answers := self.answers.get(order.key)) and answers[0].outcome == outcome
        ]

    def times(self, *, accepted: bool) -> list[float]:
        """Return how long the first answers took, those that accepted or those that refused."""
        return [
            answers[0].took
            for answers in self.answers.values()
            if answers[0].accepted is accepted and answers[0].took is not None
        ]
