"""What the demo plans: orders of every kind, each with a fate."""

from collections import Counter

import pytest

from proof.demo.people.order_plans import CLIENTS, DELAYS, Behaviour, Repeat
from proof.demo.people.plan import PRICE, Request, plan_sale, requests, share_out

PLAN = plan_sale("demo", orders=2000, stock=1000)


def test_more_is_wanted_of_every_sku_than_there_is() -> None:
    wanted: Counter[str] = Counter()
    for order in PLAN.rush:
        wanted.update(order.lines)
    assert sum(PLAN.stock.values()) == 1000
    assert all(wanted[sku] > units for sku, units in PLAN.stock.items())


def test_the_plan_has_orders_of_every_kind() -> None:
    orders = PLAN.orders
    assert len({order.key for order in orders}) == len(orders) == 2000
    assert {len(order.lines) for order in orders} == {1, 2, 3}
    assert {order.client for order in orders} == set(CLIENTS)
    assert {order.repeat for order in orders} == {None, *Repeat}
    assert {order.behaviour for order in orders} == set(Behaviour)
    for kind in ("waits", "is_looked_up", "sent_twice", "comes_late", "email"):
        assert {bool(getattr(order, kind)) for order in orders} == {True, False}, kind
    units: Counter[str] = Counter()
    for order in orders:
        units[order.customer] += order.units
    assert max(units.values()) > PLAN.limit


def test_most_orders_are_paid_and_few_late() -> None:
    fates = Counter(order.behaviour for order in PLAN.rush)
    assert fates[Behaviour.PAYS] > fates.total() / 2
    assert fates[Behaviour.PAYS_LATE] < fates.total() / 20


def test_customers_act_a_while_after_the_yes_and_long_before_the_hold_ends() -> None:
    assert all(DELAYS[0] <= order.delay <= DELAYS[1] for order in PLAN.orders)
    assert 5 * DELAYS[1] < PLAN.hold_seconds


def test_latecomers_are_new_customers_who_pay_and_leave_one_sku_to_those_who_pay_late() -> None:
    before = {order.customer for order in PLAN.rush}
    late = PLAN.latecomers
    assert len(late) == 20
    assert len({order.customer for order in late} - before) == len(late)
    assert {order.behaviour for order in late} == {Behaviour.PAYS}
    assert {sku for order in late for sku in order.lines} == {*PLAN.stock} - {"TEE-BLACK"}
    assert {
        sku for order in plan_sale("demo", orders=200, stock=1).orders for sku in order.lines
    } == {"TEE-BLACK"}


def test_an_order_whose_first_answer_is_waited_for_is_not_repeated_at_once() -> None:
    assert not any(order.waits and order.repeat is Repeat.AT_ONCE for order in PLAN.orders)


def test_the_same_sizes_give_the_same_orders_and_another_sale_gives_other_keys() -> None:
    assert plan_sale("demo", orders=2000, stock=1000) == PLAN
    other = plan_sale("other", orders=2000, stock=1000)
    assert [order.lines for order in other.orders] == [order.lines for order in PLAN.orders]
    assert [order.behaviour for order in other.orders] == [order.behaviour for order in PLAN.orders]
    assert not {order.key for order in other.orders} & {order.key for order in PLAN.orders}


def test_every_order_costs_something() -> None:
    assert float(PRICE) > 0


@pytest.mark.parametrize("stock", [1, 2, 3, 4, 7, 10, 5000])
def test_stock_is_shared_out_to_the_last_unit_and_no_sku_goes_without(stock: int) -> None:
    shares = share_out(stock)
    assert sum(shares.values()) == stock
    assert min(shares.values()) >= 1
    assert len(shares) == min(stock, 3)


@pytest.mark.parametrize("count", [1, 50, 2000])
def test_every_order_is_sent_once_and_the_late_repetitions_follow_it(count: int) -> None:
    orders = PLAN.orders[:count]
    sent = [*requests(orders)]
    assert [order for order, again in sent if not again] == orders
    late = [order for order, again in sent if again]
    assert late == [order for order in orders if order.repeat is Repeat.LATER]
    assert all(sent.index(Request(order)) < sent.index(Request(order, True)) for order in late)
