"""The keys of a sale's counters in Redis. Only `inventory` knows them."""

from functools import lru_cache
from typing import NamedTuple

PERSIST_GROUP = "persist"  # the consumer group of the workers that persist


class Keys(NamedTuple):
    """The keys of one sale. The shared hash tag keeps them on one node of a cluster."""

    config: str
    stock: str
    limits: str
    requests: str
    refusals: str  # two generations of them, which take turns
    refusals_too: str
    outbox: str
    pending: str
    wakeup: str
    released: str
    waits: str  # written to where a reply waits for replicas
    paying: str  # orders whose payment is on its way into the ledger

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, sale_id: int) -> "Keys":
        """Return the keys of a sale."""
        return cls(
            *(
                f"{{sale:{sale_id}}}:{name}"
                for name in (
                    "config",
                    "stock",
                    "limits",
                    "requests",
                    "refusals:0",
                    "refusals:1",
                    "outbox",
                    "pending",
                    "bell",
                    "released",
                    "waits",
                    "paying",
                )
            )
        )
