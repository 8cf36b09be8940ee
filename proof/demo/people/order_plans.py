"""One order that a customer wants to place, and all that is planned for it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import TypeVar

T = TypeVar("T")

CLIENTS = ("storefront", "app", "partner")

LINES, LINE_WEIGHTS = (1, 2, 3), (80, 15, 5)
QUANTITIES, QUANTITY_WEIGHTS = (1, 2, 3), (75, 20, 5)
ORDERS_PER_CUSTOMER = 2  # on average; frequent customers meet the limit


class Repeat(Enum):
    """When the same request is sent a second time."""

    AT_ONCE = auto()
    LATER = auto()


REPEATED_PERCENT = {Repeat.AT_ONCE: 4, Repeat.LATER: 6, None: 90}


class Behaviour(Enum):
    """The actions of a customer once an order is accepted."""

    PAYS = auto()
    PAYS_AT_LAST = auto()  # the first payment fails
    GIVES_UP = auto()  # the payment fails, and the customer cancels
    CANCELS = auto()
    FORGETS = auto()  # the hold ends
    PAYS_LATE = auto()  # after the hold has ended
    GETS_MONEY_BACK = auto()  # pays, and is refunded


BEHAVIOUR_PERCENT = {
    Behaviour.PAYS: 78,
    Behaviour.PAYS_AT_LAST: 5,
    Behaviour.GIVES_UP: 3,
    Behaviour.CANCELS: 3,
    Behaviour.FORGETS: 6,
    Behaviour.PAYS_LATE: 3,
    Behaviour.GETS_MONEY_BACK: 2,
}
DELAYS = (0.1, 0.8)  # seconds from acceptance to the first action, and to the next
SENT_TWICE_PERCENT = 5  # the payment provider sends its messages a second time
MAILED_PERCENT = 5  # leave an e-mail address

WAITING_PERCENT = 1  # ask for the answer after persistence (`Prefer: wait`)
LOOKING_PERCENT = 2  # look the order up as soon as it is accepted


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One order that a customer wants to place through a client."""

    key: str
    client: str
    customer: str
    lines: Mapping[str, int]
    repeat: Repeat | None = None
    waits: bool = False
    is_looked_up: bool = False
    email: str = ""
    behaviour: Behaviour = Behaviour.PAYS
    delay: float = 0.0  # seconds
    sent_twice: bool = False
    comes_late: bool = False

    @property
    def units(self) -> int:
        """Over all lines."""
        return sum(self.lines.values())


def rush_order(key: str, random: Random, *, skus: Sequence[str], customers: int) -> PlannedOrder:
    """Return an order of one of `customers` people, for some of `skus`."""
    count = min(random.choices(LINES, LINE_WEIGHTS)[0], len(skus))
    repeat = _choose(random, REPEATED_PERCENT)
    customer = f"customer-{random.randrange(-(-customers // ORDERS_PER_CUSTOMER))}"
    return PlannedOrder(
        key=key,
        client=random.choice(CLIENTS),
        customer=customer,
        lines={
            sku: random.choices(QUANTITIES, QUANTITY_WEIGHTS)[0]
            for sku in random.sample(skus, count)
        },
        repeat=repeat,
        # The first answer tells more when it was waited for, a second one of the same moment not.
        waits=repeat is not Repeat.AT_ONCE and _happens(random, WAITING_PERCENT),
        is_looked_up=_happens(random, LOOKING_PERCENT),
        email=f"{customer}@mail.example" if _happens(random, MAILED_PERCENT) else "",
        behaviour=_choose(random, BEHAVIOUR_PERCENT),
        delay=random.uniform(*DELAYS),
        sent_twice=_happens(random, SENT_TWICE_PERCENT),
    )


def latecomer(key: str, random: Random, *, skus: Sequence[str]) -> PlannedOrder:
    """Return an order of a new customer, for one of `skus`, when the first holds are over."""
    return PlannedOrder(
        key=key,
        client=random.choice(CLIENTS),
        customer=f"latecomer-{key}",
        lines={random.choice(skus): random.choices(QUANTITIES, QUANTITY_WEIGHTS)[0]},
        delay=random.uniform(*DELAYS),
        comes_late=True,
    )


def _choose(random: Random, percent: Mapping[T, int]) -> T:
    return random.choices([*percent], [*percent.values()])[0]


def _happens(random: Random, percent: int) -> bool:
    return random.random() * 100 < percent
