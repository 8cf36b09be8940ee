"""What follows the yes happens by itself: the workers end holds and put stock back on sale."""

from inventory.selectors import live_sale, read_offer
from orders.models import Order
from orders.reconciliation.compare import reconcile
from shop.core import clock
from tests.conftest import MakeSale
from tests.processes import Web, await_condition


def test_the_stock_of_an_unpaid_order_is_on_sale_again_without_anybodys_doing(
    web: Web, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 1}, hold_seconds=1)
    first = web.order("first")
    assert first.status_code == 202
    assert web.order("second", customer="bob").json()["type"] == "/problems/sold-out"

    def on_sale() -> bool:
        [sku] = live_sale(read_offer("drop"), now=clock.now())["skus"]
        return bool(sku["available"] == 1 and sku["held"] == 0)

    await_condition("the unit is on sale again", on_sale)
    assert web.http.get(first.headers["location"]).json()["status"] == "expired"
    assert web.order("third", customer="bob").status_code == 202
    assert reconcile(sale.pk, "drop").drift == 0
    await_condition("both are persisted", lambda: Order.objects.count() == 2)
