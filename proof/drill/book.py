"""The answers of a drill, order by order, and the longest time without any. Pure."""

from collections import Counter

from proof.answers import Answer
from proof.percentiles import percentile

from .order_stream import DrillOrder

SILENCE_SECONDS = 1.0  # without an answer, although there are orders: an outage


class Book:
    """Every final answer, and a count of the answers that were none."""

    def __init__(self) -> None:
        self.orders: dict[str, DrillOrder] = {}  # by key, as `answers`
        self.answers: dict[str, list[Answer]] = {}
        self.tried_again: Counter[str] = Counter()  # by what made a client repeat itself
        self.waited: list[float] = []  # seconds, from an order's first try to its answer
        self.unanswered = 0  # orders whose client gave up
        self.longest_silence = 0.0  # seconds
        self.last_answer = 0.0  # seconds from the start of the load
        self.last_outage = 0.0  # when the last outage ended, from the start of the load

    def note(self, order: DrillOrder, answer: Answer, waited: float = 0.0) -> None:
        """Write down a final answer, and for how many seconds it was waited for over all tries."""
        self.waited.append(waited)
        self.orders[order.key] = order
        self.answers.setdefault(order.key, []).append(answer)
        self.silent_until(answer.at)
        self.last_answer = answer.at

    def silent_until(self, at: float) -> None:
        """Note that from the last final answer until `at` there was none, though asked for."""
        silence = at - self.last_answer
        self.longest_silence = max(self.longest_silence, silence)
        if silence > SILENCE_SECONDS:
            self.last_outage = at

    @property
    def p99_ms(self) -> float:
        """How long 99 in 100 answers were waited for at most, in milliseconds; 0 without any."""
        return 1000 * percentile(self.waited, 99)

    def accepted(self) -> list[str]:
        """Return the keys of the orders that were accepted, the first one first."""
        return [
            key
            for key, answers in self.answers.items()
            if any(answer.accepted for answer in answers)
        ]

    def keys_of(self, order_ids: set[str]) -> list[str]:
        """Return the keys whose answers name one of `order_ids`."""
        return [
            key
            for key, answers in self.answers.items()
            if any(answer.order_id in order_ids for answer in answers)
        ]
