"""Orders through their whole life in any order of steps, against a plain model of what it promises.

After every step the ledger, the stock row, the counters in Redis and the orders have to agree.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from inventory.models import Allocation, StockMovement
from orders.errors import NotCancellable, OrderUnknown
from orders.models import ApiClient, Order, OrderEvent
from orders.payments.news import NewsType, PaymentNews
from orders.services.clients import create_client
from orders.services.holds import cancel_order, expire_holds
from orders.services.late_payments import settle_payments
from orders.services.payments import take_news
from orders.services.reconcile import reconcile
from orders.services.release import release_stock
from tests.conftest import MakeSale
from tests.persisting import persist
from tests.placing import Request, document, place_all

pytestmark = pytest.mark.django_db(transaction=True)

STOCK = {"TEE": 6, "CAP": 3}
PRICE = 1250
LET_GO = ("expired", "cancelled")
_runs = count(1)


@dataclass
class Placed:
    """What the model knows of one order."""

    id: UUID
    lines: dict[str, int]
    status: str = "accepted"
    taken: bool = True  # in Redis
    retaken: bool = False
    waiting: list[str] = field(default_factory=list)  # references of payments
    served: str = ""  # the payment that it is sold for
    due: list[str] = field(default_factory=list)  # payments to be paid back
    paid_back: list[str] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)  # that overtook their payment
    events: int = 0

    @property
    def known(self) -> list[str]:
        return [*self.waiting, *filter(None, [self.served]), *self.due, *self.paid_back]

    def change(self, status: str) -> None:
        self.status = status
        self.events += 1


class Life(RuleBasedStateMachine):
    """Every rule does one thing to the product and says what the model expects of it."""

    orders = Bundle("orders")
    said = Bundle("said")
    make_sale: MakeSale
    client: ApiClient
    api_key: str

    @initialize()
    def open_a_sale(self) -> None:
        self.slug = f"life-{next(_runs)}"
        self.sale = self.make_sale(self.slug, STOCK)
        self.sku_of = dict(
            Allocation.objects.filter(sale=self.sale).values_list("pk", "product__sku")
        )
        self.placed: list[Placed] = []
        self.numbers = count(1)

    # --- What clients do ---

    @rule(
        target=orders,
        lines=st.dictionaries(st.sampled_from([*STOCK]), st.integers(1, 3), min_size=1),
    )
    def place(self, lines: dict[str, int]) -> Any:
        key = f"{self.slug}-{next(self.numbers)}"
        [reply] = place_all(self.api_key, [Request(key, sale=self.slug, lines=lines)])
        free = self.available()
        fits = all(free[sku] >= quantity for sku, quantity in lines.items())
        assert reply.status == (202 if fits else 409)
        if not fits:
            return multiple()
        order = Placed(UUID(document(reply)["id"]), lines)
        self.placed.append(order)
        return order

    @rule(order=orders, times=st.integers(1, 2))
    def cancel(self, order: Placed, times: int) -> None:
        for _ in range(times):
            try:
                cancel_order(order.id, client_id=self.client.pk)
            except OrderUnknown:
                assert order.status == "accepted"
            except NotCancellable:
                assert order.status not in ("awaiting_payment", "cancelled")
            else:
                if order.status == "awaiting_payment":
                    order.change("cancelled")
                assert order.status == "cancelled"

    # --- What the provider says ---

    @rule(target=said, order=orders, reference=st.sampled_from("abc"))
    def pay(self, order: Placed, reference: str) -> PaymentNews:
        news = self.news(order, NewsType.SUCCEEDED, reference)
        take_news(news)
        if order.status == "awaiting_payment":
            self.serve(order, reference)
        elif reference in order.known:
            return news
        elif order.status == "accepted" or (order.status in LET_GO and not order.retaken):
            order.waiting.append(reference)
        else:
            self.owe(order, reference)
        return news

    @rule(target=said, order=orders)
    def fail(self, order: Placed) -> PaymentNews:
        news = self.news(order, NewsType.FAILED, "x")
        take_news(news)
        return news

    @rule(target=said, order=orders, reference=st.sampled_from("abcr"))
    def refund(self, order: Placed, reference: str) -> PaymentNews:
        news = self.news(order, NewsType.REFUNDED, reference)
        take_news(news)
        self.expect_refund(order, reference)
        return news

    @rule(news=said, times=st.integers(1, 2))
    def say_it_again(self, news: PaymentNews, times: int) -> None:
        for _ in range(times):
            take_news(news)

    @rule(news=consumes(said))
    def never_say_it_again(self, news: PaymentNews) -> None:
        """The provider has had its 200."""

    # --- What the workers do, and the clock ---

    @rule(times=st.integers(1, 2))
    def persist_orders(self, times: int) -> None:
        for _ in range(times):
            persist(self.sale)
        for order in self.placed:
            if order.status == "accepted":
                order.change("awaiting_payment")

    @precondition(lambda self: any(order.status == "awaiting_payment" for order in self.placed))
    @rule(times=st.integers(1, 2))
    def the_holds_end(self, times: int) -> None:
        last = Order.objects.filter(sale=self.sale).latest("hold_expires_at").hold_expires_at
        assert last is not None
        for _ in range(times):
            expire_holds(now=last + timedelta(seconds=1))
        for order in self.placed:
            if order.status == "awaiting_payment":
                order.change("expired")

    @rule(times=st.integers(1, 2))
    def release(self, times: int) -> None:
        for _ in range(times):
            release_stock(self.sale.pk)
        for order in self.placed:
            if order.status in (*LET_GO, "refunded"):
                order.taken = False

    @rule(times=st.integers(1, 2))
    def settle(self, times: int) -> None:
        for _ in range(times):
            settle_payments()
        waiting = [(order, reference) for order in self.placed for reference in order.waiting]
        for order, reference in sorted(waiting, key=lambda pair: self.said_at[pair[0].id, pair[1]]):
            if order.status != "accepted":
                order.waiting.remove(reference)
                self.expect_settled(order, reference)

    # --- The model ---

    @property
    def said_at(self) -> dict[tuple[UUID, str], int]:
        """In which order payments came in, which is the order they are settled in."""
        from orders.models import PaymentNotice

        said = PaymentNotice.objects.filter(type=NewsType.SUCCEEDED).order_by("-pk")
        return {(n.order_id, n.reference): n.pk for n in said}

    def available(self) -> Counter[str]:
        free = Counter(STOCK)
        for order in self.placed:
            if order.taken:
                free.subtract(order.lines)
        return free

    def expect_settled(self, order: Placed, reference: str) -> None:
        if order.status == "awaiting_payment":
            self.serve(order, reference)
        elif order.status in LET_GO and not order.retaken:
            free = self.available()
            if order.taken or all(free[sku] >= units for sku, units in order.lines.items()):
                order.taken = order.retaken = True
                self.serve(order, reference)
            else:
                self.owe(order, reference)
        else:
            self.owe(order, reference)

    def serve(self, order: Placed, reference: str) -> None:
        order.served = reference
        order.change("paid")
        self.expect_waiting_refunds(order)

    def owe(self, order: Placed, reference: str) -> None:
        order.due.append(reference)
        order.events += order.status in LET_GO
        self.expect_waiting_refunds(order)

    def expect_waiting_refunds(self, order: Placed) -> None:
        waiting, order.refunds = order.refunds, []
        for reference in waiting:
            self.expect_refund(order, reference)

    def expect_refund(self, order: Placed, reference: str) -> None:
        meant = [reference] if reference in order.known else order.known
        due = [each for each in order.due if each in meant]
        if due:
            order.due.remove(due[0])
            order.paid_back.append(due[0])
            if order.status in LET_GO:
                order.change("refunded")
        elif order.served and order.served in meant:
            order.paid_back.append(order.served)
            order.served = ""
            order.change("refunded")
        elif any(each in meant for each in order.paid_back):
            pass
        else:
            order.refunds.append(reference)

    def news(self, order: Placed, type_: NewsType, reference: str) -> PaymentNews:
        return PaymentNews(
            provider="standard",
            notice_id=f"{self.slug}-{next(self.numbers)}",
            type=type_,
            order_id=order.id,
            amount=sum(order.lines.values()) * PRICE,
            currency="EUR",
            reference=reference,
        )

    # --- What holds after every step ---

    @invariant()
    def the_orders_are_what_the_model_says(self) -> None:
        rows = {row.pk: row for row in Order.objects.filter(sale=self.sale)}
        for order in self.placed:
            if order.status == "accepted":
                assert order.id not in rows
                continue
            row = rows[order.id]
            total = sum(order.lines.values()) * PRICE / 100
            assert row.status == order.status
            assert float(row.refund_due or 0) == total * len(order.due)

    @invariant()
    def events_count_from_one_without_a_gap(self) -> None:
        for order in self.placed:
            found = OrderEvent.objects.filter(order=order.id).order_by("sequence")
            sequences = list(found.values_list("sequence", flat=True))
            assert sequences == list(range(1, order.events + 1))

    @invariant()
    def the_ledger_the_stock_rows_and_the_orders_agree(self) -> None:
        for row in Allocation.objects.filter(sale=self.sale):
            sku = self.sku_of[row.pk]
            moved = StockMovement.objects.filter(allocation=row).aggregate(
                allocated=Sum("allocated"), held=Sum("held"), sold=Sum("sold")
            )
            assert moved == {"allocated": row.allocated, "held": row.held, "sold": row.sold}
            assert row.held == self.units(sku, "awaiting_payment")
            assert row.sold == self.units(sku, "paid")

    @invariant()
    def redis_and_the_ledger_agree(self) -> None:
        found = reconcile(self.sale.pk, self.slug)
        assert found.drift == 0
        free = self.available()
        assert {sku.sku: sku.available for sku in found.skus} == {sku: free[sku] for sku in STOCK}

    def units(self, sku: str, status: str) -> int:
        return sum(order.lines.get(sku, 0) for order in self.placed if order.status == status)


def test_orders_and_stock_agree_after_any_steps_of_any_life(make_sale: MakeSale) -> None:
    Life.make_sale = staticmethod(make_sale)
    Life.client, Life.api_key = create_client(name="storefront")
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[*HealthCheck],
        ),
    )
