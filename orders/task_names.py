"""The tasks of this app as their senders know them. Renaming one breaks messages under way.

Each queue has processes of its own: what has to happen by a time (`urgent`) waits for nothing long.
"""

from shop.core.tasks.dispatch import TaskName

PERSIST_ORDERS = TaskName("orders.persist", queue="persist", expires_seconds=10)
SWEEP_OUTBOXES = TaskName("orders.sweep_outboxes", queue="urgent", expires_seconds=10)
RELEASE_STOCK = TaskName("orders.release_stock", queue="urgent", expires_seconds=10)
SWEEP_RELEASES = TaskName("orders.sweep_releases", queue="urgent", expires_seconds=10)
EXPIRE_HOLDS = TaskName("orders.expire_holds", queue="urgent", expires_seconds=10)
SETTLE_PAYMENTS = TaskName("orders.settle_payments", queue="settle", expires_seconds=10)
RECONCILE_SALES = TaskName("orders.reconcile_sales", queue="upkeep", expires_seconds=10)
DELIVER_WEBHOOKS = TaskName("orders.deliver_webhooks", queue="notify", expires_seconds=10)
DELIVER_MAIL = TaskName("orders.deliver_mail", queue="notify", expires_seconds=10)
DELIVER_SMS = TaskName("orders.deliver_sms", queue="notify", expires_seconds=10)

# A sign of life through each queue: only a worker that works answers it.
PULSES = {
    queue: TaskName("shop.pulse", queue=queue, expires_seconds=10)
    for queue in ("persist", "urgent", "settle", "upkeep", "notify")
}
