"""The tasks of this app as their senders know them. Renaming one breaks messages under way."""

from shop.core.dispatch import TaskName

PERSIST_ORDERS = TaskName("orders.persist", queue="persist", expires_seconds=10)
SWEEP_OUTBOXES = TaskName("orders.sweep_outboxes", queue="upkeep", expires_seconds=5)
RELEASE_STOCK = TaskName("orders.release_stock", queue="upkeep", expires_seconds=10)
SWEEP_RELEASES = TaskName("orders.sweep_releases", queue="upkeep", expires_seconds=5)
EXPIRE_HOLDS = TaskName("orders.expire_holds", queue="upkeep", expires_seconds=5)
SETTLE_PAYMENTS = TaskName("orders.settle_payments", queue="upkeep", expires_seconds=5)
RECONCILE_SALES = TaskName("orders.reconcile_sales", queue="upkeep", expires_seconds=10)
DELIVER_WEBHOOKS = TaskName("orders.deliver_webhooks", queue="notify", expires_seconds=5)
DELIVER_MAIL = TaskName("orders.deliver_mail", queue="notify", expires_seconds=5)
DELIVER_SMS = TaskName("orders.deliver_sms", queue="notify", expires_seconds=5)

# A sign of life through each queue: only a worker that works answers it.
PULSES = {
    queue: TaskName("shop.pulse", queue=queue, expires_seconds=10)
    for queue in ("persist", "upkeep", "notify")
}
