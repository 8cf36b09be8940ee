"""The books of an order: whatever is told in any sequence, no money counts twice or is lost."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orders.payments import books
from orders.payments.books import Money, Share

PRICE = Decimal(10)


def payments(count: int, serves: int | None = None) -> list[Money]:
    return [Money(n, f"p{n}", PRICE, serves=n == serves) for n in range(count)]


def refunds(*told: tuple[str, int]) -> list[Money]:
    return [Money(100 + n, name, Decimal(part)) for n, (name, part) in enumerate(told)]


def test_a_refund_goes_to_the_payment_that_it_is_called_by() -> None:
    found = books.shares(payments(2, serves=0), refunds(("p0", 10)), gives_goods=True)
    assert found == {0: Share.GONE, 1: Share.SERVES}


def test_a_refund_by_another_name_goes_to_what_nothing_was_given_for() -> None:
    found = books.shares(payments(3, serves=0), refunds(("rf", 10)), gives_goods=True)
    assert found == {0: Share.SERVES, 1: Share.GONE, 2: Share.IDLE}


def test_a_payment_of_nothing_is_never_to_go_back() -> None:
    nothing = [Money(0, "p0", Decimal(0))]
    assert books.shares(nothing, [], gives_goods=False) == {}
    assert books.shares(nothing, refunds(("rf", 0)), gives_goods=False) == {}


def test_two_ways_of_naming_refunds_may_mean_one_refund() -> None:
    paid = payments(2)
    assert books.is_ambiguous("p0", paid, refunds(("rf_1", 10)))
    assert books.is_ambiguous("rf_1", paid, refunds(("p0", 10)))
    assert not books.is_ambiguous("rf_2", paid, refunds(("rf_1", 10)))
    assert not books.is_ambiguous("p1", paid, refunds(("p0", 10)))


@given(
    count=st.integers(0, 4),
    told=st.lists(
        st.tuples(st.sampled_from(["p0", "p1", "r", "s"]), st.integers(1, 10)), max_size=5
    ),
    gives_goods=st.booleans(),
    serves=st.integers(0, 3),
)
def test_no_money_vanishes_and_at_most_one_payment_buys_the_goods(
    count: int, told: list[tuple[str, int]], gives_goods: bool, serves: int
) -> None:
    came, went = payments(count, serves if gives_goods else None), refunds(*told)
    kept = books.kept(came, went)
    assert kept == count * PRICE - sum(part for _, part in told)
    due = books.due(kept, PRICE, gives_goods=gives_goods) or Decimal(0)
    assert due == max(Decimal(0), kept - (PRICE if gives_goods else 0))
    found = books.shares(came, went, gives_goods=gives_goods)
    assert found.keys() == {each.key for each in came}
    of_kind = [*found.values()].count
    assert of_kind(Share.SERVES) <= gives_goods
    assert of_kind(Share.GONE) * PRICE <= sum(part for _, part in told) or any(
        sum(part for each, part in told if each == name) > PRICE for name in ("p0", "p1")
    )
