"""Killing workers loses nothing: real processes, real signals."""

from inventory.models import Allocation
from orders.models import Order
from orders.reconciliation.compare import reconcile
from tests.conftest import MakeSale
from tests.processes import Processes, Web, await_condition


def test_a_worker_killed_in_the_middle_of_its_work_loses_no_order(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 500})
    accepted = set()
    for round_ in range(3):
        for n in range(60):
            reply = web.order(f"k-{round_}-{n}", customer=f"c-{round_}-{n}")
            assert reply.status_code == 202
            accepted.add(reply.json()["id"])
            if n == 30:
                processes.kill("worker")
        processes.start_worker()
    await_condition("all is persisted", lambda: Order.objects.count() == len(accepted))
    processes.wait_until_quiet()
    assert {str(pk) for pk in Order.objects.values_list("pk", flat=True)} == accepted
    assert Allocation.objects.get().held == 180
    assert reconcile(sale.pk, "drop").drift == 0


def test_orders_are_persisted_without_doorbells_by_the_sweep(
    web: Web, processes: Processes, make_sale: MakeSale
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    processes.ring_in_vain(sale.pk)
    assert web.order("k-1").status_code == 202
    await_condition("the sweep found it", lambda: Order.objects.exists())
