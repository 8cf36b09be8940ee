"""The behaviour of a soak's customers, and the status in which each order ends. Pure."""

from collections.abc import Mapping
from enum import Enum
from itertools import chain, repeat

REPEATED_EVERY = 10  # one order in so many is sent once more with its key
READ_EVERY = 2  # one order in so many is looked up right after its answer
SALE_READ_EVERY = 5  # with one order in so many the sale is read


class Behaviour(Enum):
    """The actions of a customer once an order is accepted."""

    PAYS = "pays"
    PAYS_AND_SAYS_SO_TWICE = "pays; the provider tells of it twice"
    FAILS_THEN_PAYS = "pays at the second try"
    FAILS_THEN_CANCELS = "cannot pay, and cancels"
    CANCELS = "cancels"
    FORGETS = "lets the hold end"
    PAYS_LATE = "pays after the hold has ended"


_OF_TWENTY: Mapping[Behaviour, int] = {
    Behaviour.PAYS: 8,
    Behaviour.PAYS_AND_SAYS_SO_TWICE: 1,
    Behaviour.FAILS_THEN_PAYS: 2,
    Behaviour.FAILS_THEN_CANCELS: 1,
    Behaviour.CANCELS: 3,
    Behaviour.FORGETS: 4,
    Behaviour.PAYS_LATE: 1,
}
_CYCLE = [*chain.from_iterable(repeat(behaviour, times) for behaviour, times in _OF_TWENTY.items())]

# In the ledger, once nothing is under way any more. There is stock enough for late payers.
FINAL_STATUS: Mapping[Behaviour, str] = {
    Behaviour.PAYS: "paid",
    Behaviour.PAYS_AND_SAYS_SO_TWICE: "paid",
    Behaviour.FAILS_THEN_PAYS: "paid",
    Behaviour.FAILS_THEN_CANCELS: "cancelled",
    Behaviour.CANCELS: "cancelled",
    Behaviour.FORGETS: "expired",
    Behaviour.PAYS_LATE: "paid",
}


def behaviour_of(number: int) -> Behaviour:
    """Return the behaviour for the order with this number; neighbours have different ones."""
    return _CYCLE[number * 7 % len(_CYCLE)]
