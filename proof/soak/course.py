"""What becomes of the orders of a soak, and where each may end. Pure."""

from collections.abc import Mapping
from enum import Enum
from itertools import chain, repeat

REPEATED_EVERY = 10  # one order in so many is sent once more with its key
READ_EVERY = 2  # one order in so many is looked up right after its answer
SALE_READ_EVERY = 5  # with one order in so many somebody looks at the sale


class Course(Enum):
    """What the customer of an order does once it is accepted."""

    PAYS = "pays"
    PAYS_AND_SAYS_SO_TWICE = "pays; the provider tells of it twice"
    FAILS_THEN_PAYS = "pays at the second try"
    FAILS_THEN_CANCELS = "cannot pay, and cancels"
    CANCELS = "cancels"
    FORGETS = "lets the hold end"
    PAYS_LATE = "pays after the hold has ended"


_OF_TWENTY: Mapping[Course, int] = {
    Course.PAYS: 8,
    Course.PAYS_AND_SAYS_SO_TWICE: 1,
    Course.FAILS_THEN_PAYS: 2,
    Course.FAILS_THEN_CANCELS: 1,
    Course.CANCELS: 3,
    Course.FORGETS: 4,
    Course.PAYS_LATE: 1,
}
_CYCLE = [*chain.from_iterable(repeat(course, times) for course, times in _OF_TWENTY.items())]

# In the ledger, once nothing is under way any more. There is stock enough for who pays late.
ENDS: Mapping[Course, str] = {
    Course.PAYS: "paid",
    Course.PAYS_AND_SAYS_SO_TWICE: "paid",
    Course.FAILS_THEN_PAYS: "paid",
    Course.FAILS_THEN_CANCELS: "cancelled",
    Course.CANCELS: "cancelled",
    Course.FORGETS: "expired",
    Course.PAYS_LATE: "paid",
}


def course_of(number: int) -> Course:
    """Return the course of the order with this number; neighbours have different ones."""
    return _CYCLE[number * 7 % len(_CYCLE)]
