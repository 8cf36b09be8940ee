"""The books of one order: the money that came in, the money that went back, and what follows.

Pure rules. A payment counts once by its provider and name, and so does a refund, whatever messages
bring them. A refund may be called as the payment that it pays back, or by a name of its own.

    >>> first, second = Money(1, "pay_1", Decimal(25), serves=True), Money(2, "pay_2", Decimal(25))
    >>> due(kept([first, second], []), price=Decimal(25), gives_goods=True)
    Decimal('25')
    >>> refund = Money(3, "pay_2", Decimal(25))
    >>> became = shares([first, second], [refund], gives_goods=True)
    >>> became[1].value, became[2].value
    ('serves', 'gone')
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Money:
    """A payment or a refund that counts."""

    key: int  # of its notice; the earlier one has the lower key
    reference: str  # the provider's name of it
    amount: Decimal
    serves: bool = False  # of payments: the goods were given for this one


class Share(StrEnum):
    """The use that was made of a payment."""

    SERVES = "serves"  # the goods are given for it
    IDLE = "idle"  # nothing is given for it: it is to go back
    GONE = "gone"  # it has gone back


def kept(payments: Iterable[Money], refunds: Iterable[Money]) -> Decimal:
    """Return what came in and has not gone back."""
    return sum((each.amount for each in payments), Decimal(0)) - sum(
        (each.amount for each in refunds), Decimal(0)
    )


def due(kept_: Decimal, price: Decimal, *, gives_goods: bool) -> Decimal | None:
    """Return what is to be paid back of what was kept, None if nothing is."""
    return max(kept_ - (price if gives_goods else 0), Decimal(0)) or None


def is_settled(kept_: Decimal, price: Decimal, *, gives_goods: bool) -> bool:
    """Tell whether the shop keeps exactly what it gives goods for: nothing is left to decide."""
    return kept_ == (price if gives_goods else 0)


def is_ambiguous(name: str, payments: Sequence[Money], refunds: Sequence[Money]) -> bool:
    """Tell whether a refund of this name may be one that counts already under another name.

    A provider that names one refund as its payment and another by a name of its own may have sent
    one refund twice. Counted twice, the money of a customer who keeps the goods would be
    forgotten, or goods that were paid for would be sold again. A person decides.
    """
    names = {payment.reference for payment in payments}
    return any((refund.reference in names) != (name in names) for refund in refunds)


def shares(
    payments: Sequence[Money], refunds: Sequence[Money], *, gives_goods: bool
) -> dict[int, Share]:
    """Return what each payment has become, by key.

    A refund that is called as a payment pays back that one; any other, the ones that nothing was
    given for first. A payment of nothing becomes nothing: there is no money that could go back.
    """
    payments = [each for each in payments if each.amount]
    names = {payment.reference for payment in payments}
    pool = sum((each.amount for each in refunds if each.reference not in names), Decimal(0))
    found: dict[int, Share] = {}
    for payment in sorted(payments, key=lambda each: (each.serves, each.key)):
        back = sum(
            (each.amount for each in refunds if each.reference == payment.reference), Decimal(0)
        )
        if back < payment.amount <= pool:
            pool -= payment.amount
            back = payment.amount
        found[payment.key] = Share.GONE if back >= payment.amount else Share.IDLE
    left = [each for each in payments if found[each.key] is Share.IDLE]
    if gives_goods and left:
        found[min(left, key=lambda each: (not each.serves, each.key)).key] = Share.SERVES
    return found
