"""The answers to a soak's clients, kept small enough for hours. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from .behaviours import FINAL_STATUS, Behaviour


@dataclass
class Account:
    """Every accepted order with its behaviour, and counts of everything else."""

    behaviours: dict[bytes, Behaviour] = field(default_factory=dict)  # by order id
    done: Counter[str] = field(
        default_factory=Counter
    )  # requests that were answered, by their kind
    wrong: Counter[str] = field(default_factory=Counter)  # answers that should not be
    latencies: list[float] = field(default_factory=list)  # of orders since the last `take`, seconds

    def accept(self, order_id: str, behaviour: Behaviour) -> None:
        """Note an order that was accepted."""
        self.behaviours[UUID(order_id).bytes] = behaviour

    def take_latencies(self) -> list[float]:
        """Return how long orders took since the last call."""
        taken, self.latencies = self.latencies, []
        return taken

    def settle(self, rows: Iterable[tuple[str, str]]) -> Counter[str]:
        """Compare with the ledger's orders, (id, status). Returns what is wrong, nothing if all
        ended where their customers put them."""
        wrong, seen = Counter[str](), set[bytes]()
        for order_id, status in rows:
            key = UUID(order_id).bytes
            behaviour = self.behaviours.get(key)
            seen.add(key)
            if behaviour is None:
                wrong["orders that no client was told of"] += 1
            elif status != FINAL_STATUS[behaviour]:
                wrong[f"{status} though its customer {behaviour.value}"] += 1
        if missing := len(self.behaviours.keys() - seen):
            wrong["accepted orders that are not in the ledger"] = missing
        return wrong
