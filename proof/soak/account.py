"""What the clients of a soak were told, kept small enough for hours. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from .course import ENDS, Course


@dataclass
class Account:
    """Every accepted order with its course, and counts of everything else."""

    courses: dict[bytes, Course] = field(default_factory=dict)  # by order id
    done: Counter[str] = field(default_factory=Counter)  # what was asked for and answered
    wrong: Counter[str] = field(default_factory=Counter)  # answers that should not be
    latencies: list[float] = field(default_factory=list)  # of orders since the last `take`, seconds

    def accept(self, order_id: str, course: Course) -> None:
        """Note an order that was accepted."""
        self.courses[UUID(order_id).bytes] = course

    def take_latencies(self) -> list[float]:
        """Return how long orders took since the last call."""
        taken, self.latencies = self.latencies, []
        return taken

    def settle(self, rows: Iterable[tuple[str, str]]) -> Counter[str]:
        """Compare with the ledger's orders, (id, status). Returns what is wrong, nothing if all
        came to where their customers put them."""
        wrong, seen = Counter[str](), set[bytes]()
        for order_id, status in rows:
            key = UUID(order_id).bytes
            course = self.courses.get(key)
            seen.add(key)
            if course is None:
                wrong["orders that no client was told of"] += 1
            elif status != ENDS[course]:
                wrong[f"{status} though its customer {course.value}"] += 1
        if missing := len(self.courses.keys() - seen):
            wrong["accepted orders that are not in the ledger"] = missing
        return wrong
