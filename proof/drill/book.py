"""What the clients were told, order by order, and for how long nobody was told anything. Pure."""

from collections import Counter
from dataclasses import dataclass

from .order_stream import Wish

SOLD_OUT = "sold-out"
YES = (200, 201, 202)
SILENCE_SECONDS = 1.0  # without an answer, although there are orders: an outage


@dataclass(frozen=True, slots=True)
class Told:
    """A final answer. `at` is in seconds from the start of the load."""

    status: int
    at: float
    order_id: str = ""  # of an order that was accepted
    problem: str = ""  # slug of the problem otherwise

    @property
    def yes(self) -> bool:
        """Whether the order was accepted."""
        return self.status in YES


class Book:
    """Every final answer, and a count of the answers that were none."""

    def __init__(self) -> None:
        self.wishes: dict[str, Wish] = {}  # by key, as the next one
        self.told: dict[str, list[Told]] = {}
        self.tried_again: Counter[str] = Counter()  # by what made a client repeat itself
        self.waited: list[float] = []  # seconds, from an order's first try to its answer
        self.unanswered = 0  # orders whose client gave up
        self.longest_silence = 0.0  # seconds
        self.last_answer = 0.0  # seconds from the start of the load
        self.last_outage = 0.0  # when the last outage ended, from the start of the load

    def note(self, wish: Wish, told: Told, waited: float = 0.0) -> None:
        """Write down a final answer, and for how many seconds it was waited for over all tries."""
        self.waited.append(waited)
        self.wishes[wish.key] = wish
        self.told.setdefault(wish.key, []).append(told)
        self.silent_until(told.at)
        self.last_answer = told.at

    def silent_until(self, at: float) -> None:
        """Note that from the last final answer until `at` there was none, though asked for."""
        silence = at - self.last_answer
        self.longest_silence = max(self.longest_silence, silence)
        if silence > SILENCE_SECONDS:
            self.last_outage = at

    @property
    def p99_ms(self) -> float:
        """How long 99 in 100 answers were waited for at most, in milliseconds; 0 without any."""
        if not self.waited:
            return 0.0
        return 1000 * sorted(self.waited)[(99 * len(self.waited)) // 100]

    def accepted(self) -> list[str]:
        """Return the keys of the orders that were accepted, the first one first."""
        return [key for key, told in self.told.items() if any(each.yes for each in told)]

    def keys_of(self, order_ids: set[str]) -> list[str]:
        """Return the keys that were told one of `order_ids`."""
        return [
            key
            for key, told in self.told.items()
            if any(each.order_id in order_ids for each in told)
        ]
