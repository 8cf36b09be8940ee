"""Orders through their whole life in any order of steps, against a plain model of what it promises.

After every step the ledger, the stock row, the counters in Redis and the orders have to agree.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
from orders.domain import PaymentMessageType
from orders.errors import MessageChanged, NotCancellable, OrderUnknown, PaymentMismatch
from orders.models import ApiClient, Order, OrderEvent
from orders.payments.late import settle_payments
from orders.payments.note import note_payment
from orders.payments.provider_message import PaymentMessage
from orders.reconciliation.compare import reconcile
from orders.services.clients import create_client
from orders.services.holds import cancel_order, expire_holds
from orders.services.release import release_stock
from tests.conftest import MakeSale
from tests.examples import share_of
from tests.persisting import persist
from tests.placing import Request, document, place_all

pytestmark = pytest.mark.django_db(transaction=True)

STOCK = {"TEE": 6, "CAP": 3}
PRICE = 1250
RELEASED = ("expired", "cancelled")
_runs = count(1)


@dataclass
class Placed:
    """What the model knows of one order. Money is counted in halves of what the order costs."""

    id: UUID
    lines: dict[str, int]
    status: str = "accepted"
    taken: bool = True  # in Redis
    retaken: bool = False
    waiting: list[PaymentMessage] = field(default_factory=list)  # noted, in the sequence of coming
    came_in: list[str] = field(default_factory=list)  # names of payments
    went_back: dict[str, int] = field(default_factory=dict)  # halves by name
    ahead: list[PaymentMessage] = field(default_factory=list)  # refunds before their payment
    events: int = 0

    @property
    def kept(self) -> int:
        return 2 * len(self.came_in) - sum(self.went_back.values())

    @property
    def due(self) -> int:
        return max(0, self.kept - 2 * (self.status == "paid"))

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
        self.payer: dict[str, Placed] = {}  # which order a payment has paid, by its name
        self.repaid: dict[str, Placed] = {}  # which order a refund was for
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

    @rule(target=said, order=orders, name=st.sampled_from("abc"), shared=st.booleans())
    def pay(self, order: Placed, name: str, shared: bool) -> PaymentMessage:
        news = self.news(order, PaymentMessageType.SUCCEEDED, name, shared=shared)
        try:
            note_payment(news)
        except PaymentMismatch:
            assert self.payer.get(news.reference, order) is not order  # it has paid another one
        self.expect(order, news)
        return news

    @rule(target=said, order=orders)
    def fail(self, order: Placed) -> PaymentMessage:
        news = self.news(order, PaymentMessageType.FAILED, "x")
        note_payment(news)
        return news

    @rule(
        target=said,
        order=orders,
        name=st.sampled_from("abcr"),
        shared=st.booleans(),
        halves=st.sampled_from([1, 2, 2, 2]),
    )
    def refund(self, order: Placed, name: str, shared: bool, halves: int) -> PaymentMessage:
        news = self.news(order, PaymentMessageType.REFUNDED, name, shared=shared, halves=halves)
        with suppress(PaymentMismatch):  # a part, or nothing to refund: told, and flagged
            note_payment(news)
        self.expect(order, news)
        return news

    @rule(news=said, other=st.sampled_from(["amount", "reference", "type"]))
    def say_something_else_under_a_known_id(self, news: PaymentMessage, other: str) -> None:
        changed = {
            "amount": {"amount": news.amount + 1},
            "reference": {"reference": f"{news.reference}!"},
            "type": {
                "type": PaymentMessageType.FAILED
                if news.type != "failed"
                else PaymentMessageType.SUCCEEDED
            },
        }[other]
        with pytest.raises(MessageChanged):
            note_payment(replace(news, **changed))

    @rule(news=said, times=st.integers(1, 2))
    def say_it_again(self, news: PaymentMessage, times: int) -> None:
        for _ in range(times):
            with suppress(PaymentMismatch):
                note_payment(news)

    @rule(news=consumes(said))
    def never_say_it_again(self, news: PaymentMessage) -> None:
        """The provider has had its 200."""

    # --- What the workers do, and the clock ---

    @rule(times=st.integers(1, 2))
    def persist_orders(self, times: int) -> None:
        for _ in range(times):
            persist(self.sale)
        fresh = [order for order in self.placed if order.status == "accepted"]
        for order in fresh:
            order.change("awaiting_payment")
        self.settled(fresh)  # by the transaction that persists them

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
            if order.status in (*RELEASED, "refunded"):
                order.taken = False

    @rule(times=st.integers(1, 2))
    def settle(self, times: int) -> None:
        for _ in range(times):
            settle_payments()
        self.settled([order for order in self.placed if order.status != "accepted"])

    # --- The model ---

    @staticmethod
    def said_at(news: PaymentMessage) -> int:
        """In which order messages came in, which is the order they are settled in."""
        return int(news.notice_id.rpartition("-")[2])

    def settled(self, orders: list[Placed]) -> None:
        waiting = [(order, news) for order in orders for news in order.waiting]
        for order, news in sorted(waiting, key=lambda pair: self.said_at(pair[1])):
            order.waiting.remove(news)
            self.expect_settled(order, news)

    def available(self) -> Counter[str]:
        free = Counter(STOCK)
        for order in self.placed:
            if order.taken:
                free.subtract(order.lines)
        return free

    def expect(self, order: Placed, news: PaymentMessage) -> None:
        """Say what follows from a message now, where it is not to be applied later."""
        if order.status == "accepted":
            order.waiting.append(news)
        elif news.type == "refunded":
            self.expect_refund(order, news)
        elif self.is_known(order, news):
            pass
        elif order.status in RELEASED and not order.retaken:
            order.waiting.append(news)  # until its stock is taken again
        elif order.status == "awaiting_payment":
            self.serve(order, news)
        else:
            self.owe(order, news)

    def expect_settled(self, order: Placed, news: PaymentMessage) -> None:
        if news.type == "refunded":
            self.expect_refund(order, news)
        elif self.is_known(order, news):
            pass
        elif order.status == "awaiting_payment":
            self.serve(order, news)
        elif order.status in RELEASED and not order.retaken:
            free = self.available()
            if order.taken or all(free[sku] >= units for sku, units in order.lines.items()):
                order.taken = order.retaken = True
                self.serve(order, news)
            else:
                self.owe(order, news)
        else:
            self.owe(order, news)

    def is_known(self, order: Placed, news: PaymentMessage) -> bool:
        """Whether this payment counts already, or waits to: for this order, or another one."""
        waiting = [each.reference for each in order.waiting if each.type == "succeeded"]
        return news.reference in self.payer or news.reference in waiting

    def serve(self, order: Placed, news: PaymentMessage) -> None:
        self.payer[news.reference] = order
        order.came_in.append(news.reference)
        order.change("paid")
        self.expect_waiting_refunds(order)

    def owe(self, order: Placed, news: PaymentMessage) -> None:
        self.payer[news.reference] = order
        order.came_in.append(news.reference)
        order.events += order.status in RELEASED
        self.expect_waiting_refunds(order)

    def expect_waiting_refunds(self, order: Placed) -> None:
        waiting, order.ahead = order.ahead, []
        for news in waiting:
            self.expect_refund(order, news)

    def expect_refund(self, order: Placed, news: PaymentMessage) -> None:
        name, halves = news.reference, self.halves(order, news)
        if self.repaid.get(name, order) is not order:
            return  # it was for another order: flagged
        before = order.went_back.get(name, 0)
        same = [each for each in (*order.ahead, *order.waiting) if each.reference == name]
        if before >= halves or any(
            each.type == "refunded" and self.halves(order, each) >= halves for each in same
        ):
            return  # it counts already, or waits to
        if any((each in order.came_in) != (name in order.came_in) for each in order.went_back):
            return  # it may be one of these under another name: flagged
        if before + order.kept < halves:
            pays_later = any(each.type == "succeeded" for each in order.waiting)
            if order.status in ("awaiting_payment", *RELEASED) or pays_later:
                order.ahead.append(news)
            return
        order.went_back[name] = halves
        self.repaid[name] = order
        if not order.kept and order.status in ("paid", *RELEASED):
            order.change("refunded")

    @staticmethod
    def halves(order: Placed, news: PaymentMessage) -> int:
        return 2 * news.amount // (sum(order.lines.values()) * PRICE)

    def news(
        self,
        order: Placed,
        type_: PaymentMessageType,
        name: str,
        *,
        shared: bool = False,
        halves: int = 2,
    ) -> PaymentMessage:
        return PaymentMessage(
            provider="standard",
            notice_id=f"{self.slug}-{next(self.numbers)}",
            type=type_,
            order_id=order.id,
            amount=sum(order.lines.values()) * PRICE * halves // 2,
            currency="EUR",
            reference=f"{self.slug}-{name}" if shared else f"{self.slug}-{name}-{order.id}",
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
            assert float(row.refund_due or 0) == total * order.due / 2

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
            max_examples=share_of(20),
            stateful_step_count=30,
            suppress_health_check=[*HealthCheck],
        ),
    )
