"""The Celery tasks: thin, idempotent, one call into the domain each.

None of them is the only trace of its work: rows and the outbox say what is to be done, so a task
that is lost, late, doubled or killed costs a second and no order. For the same reason none is
retried here when a server is away: the sweep asks again, a second later, for as long as it takes.
"""

import logging
import os
import socket
import time
from collections.abc import Callable
from functools import partial

import redis
from celery import shared_task
from django.conf import settings
from django.db import OperationalError

from inventory import outbox
from inventory.errors import InventoryError
from inventory.models import Sale
from orders.notifications.mail.deliver import deliver_mail
from orders.notifications.sms import deliver_sms
from orders.notifications.webhook.deliver import deliver_webhooks
from orders.payments.late import settle_payments
from orders.persistence.drain import drain_unless_others_do
from orders.reconciliation.history import reconcile_all
from orders.services.holds import expire_holds, over_for_certain
from orders.services.release import release_due, release_stock
from orders.task_names import (
    DELIVER_MAIL,
    DELIVER_SMS,
    DELIVER_WEBHOOKS,
    EXPIRE_HOLDS,
    PERSIST_ORDERS,
    PULSES,
    RECONCILE_SALES,
    RELEASE_STOCK,
    SETTLE_PAYMENTS,
    SWEEP_OUTBOXES,
    SWEEP_RELEASES,
)
from shop.core import clock
from shop.core.log_counts import LogCounts
from shop.core.logs import correlation
from shop.core.stores.locks import try_alone
from shop.core.tasks import dispatch, progress
from shop.core.tasks.dispatch import TaskName
from shop.core.time_limits import after

logger = logging.getLogger(__name__)

_done = LogCounts()  # a busy sale would write a line ten times a second

# A server that is away comes back, and the work is where it was.
PASSING = (OperationalError, redis.RedisError, InventoryError)


@shared_task(name=PERSIST_ORDERS.name, throws=PASSING)
def persist_orders(sale_id: int) -> None:
    """Drain one sale's outbox into PostgreSQL."""
    deadline = time.monotonic() + settings.PERSIST_TASK_SECONDS
    consumer = f"{socket.gethostname()}:{os.getpid()}"
    with correlation.about(sale_id=sale_id):
        done = drain_unless_others_do(
            sale_id,
            consumer=consumer,
            out_of_time=lambda: time.monotonic() > deadline,
        )
        progress.report("persist pulse")  # a long drain holds up the pulse, and is as good
        if done and (total := _done.add(sale_id, done)):
            logger.info("sale %s: %d entries taken out of the outbox", sale_id, total)
    if time.monotonic() > deadline:
        dispatch.send(PERSIST_ORDERS, sale_id)


@shared_task(name=PULSES["upkeep"].name, throws=PASSING)
def pulse(queue: str) -> None:
    """Show that the worker of a queue works."""
    progress.report(f"{queue} pulse")


@shared_task(name=SWEEP_OUTBOXES.name, throws=PASSING)
def sweep_outboxes() -> None:
    """Ask for a persist task wherever orders wait: for doorbells that were lost."""
    sale_ids = list(Sale.objects.values_list("pk", flat=True))
    for sale_id, waiting in outbox.backlogs(sale_ids).items():
        if waiting:
            dispatch.send(PERSIST_ORDERS, sale_id)
    progress.report("sweep")


@shared_task(name=RELEASE_STOCK.name, throws=PASSING)
def release_stock_of_sale(sale_id: int) -> None:
    """Give stock of one sale back in Redis that PostgreSQL has released."""
    release_stock(sale_id, out_of_time=after(settings.URGENT_TASK_SECONDS))


@shared_task(name=SWEEP_RELEASES.name, throws=PASSING)
def sweep_releases() -> None:
    """Give stock back in Redis that PostgreSQL has released, of all sales."""
    _run_alone(SWEEP_RELEASES, settings.URGENT_TASK_SECONDS, release_due)


@shared_task(name=EXPIRE_HOLDS.name, throws=PASSING)
def expire_unpaid_orders() -> None:
    """Put the stock of unpaid orders back on sale."""
    now = over_for_certain()
    _run_alone(EXPIRE_HOLDS, settings.URGENT_TASK_SECONDS, partial(expire_holds, now=now))


def _run_alone(task: TaskName, seconds: float, work: Callable[..., int]) -> None:
    """Run `work` in one process at a time, for `seconds` at the most; then ask for the task again.

    So other tasks of the queue never wait longer, and two processes never do the same work.
    """
    limit = after(seconds)
    with try_alone(task.name) as alone:
        if not alone:
            return
        done = work(out_of_time=limit)
        progress.report(task.name)
    if limit():
        dispatch.send(task)
    if done and (total := _done.add(task.name, done)):
        logger.info("%s: %d orders", task.name, total)


@shared_task(name=SETTLE_PAYMENTS.name, throws=PASSING)
def settle_waiting_payments() -> None:
    """Apply payments that came before their order was persisted, or after its hold had ended."""
    _run_alone(SETTLE_PAYMENTS, settings.SETTLE_TASK_SECONDS, settle_payments)


@shared_task(name=RECONCILE_SALES.name, throws=PASSING)
def reconcile_sales() -> None:
    """Compare Redis with PostgreSQL for every sale, and keep what comes out."""
    reconcile_all(now=clock.now())


@shared_task(name=DELIVER_WEBHOOKS.name, throws=PASSING)
def deliver_due_webhooks() -> None:
    """Deliver the events that are due to webhooks."""
    deliver_webhooks(linger_seconds=settings.NOTIFY_LINGER_SECONDS)


@shared_task(name=DELIVER_MAIL.name, throws=PASSING)
def deliver_due_mail() -> None:
    """Send the mail that is due."""
    deliver_mail()


@shared_task(name=DELIVER_SMS.name, throws=PASSING)
def deliver_due_sms() -> None:
    """Send the text messages that are due."""
    deliver_sms()
