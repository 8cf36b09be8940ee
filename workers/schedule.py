"""The tasks that Celery beat asks for, and their intervals. Each makes up for lost hints."""

from typing import Any

from orders.task_names import (
    DELIVER_MAIL,
    DELIVER_SMS,
    DELIVER_WEBHOOKS,
    EXPIRE_HOLDS,
    PULSES,
    RECONCILE_SALES,
    SETTLE_PAYMENTS,
    SWEEP_OUTBOXES,
    SWEEP_RELEASES,
)
from shop.core.tasks.dispatch import TaskName


def _every(seconds: float, task: TaskName, *arguments: Any) -> dict[str, Any]:
    return {
        "task": task.name,
        "args": arguments,
        "schedule": seconds,
        "options": {"queue": task.queue, "expires": task.expires_seconds},
    }


SCHEDULE = {
    "sweep outboxes": _every(1.0, SWEEP_OUTBOXES),
    # Often: stock is to be on sale again within two seconds of the end of its hold.
    "sweep releases": _every(0.5, SWEEP_RELEASES),
    "expire holds": _every(0.25, EXPIRE_HOLDS),
    "settle payments": _every(1.0, SETTLE_PAYMENTS),
    "deliver webhooks": _every(2.0, DELIVER_WEBHOOKS),
    "deliver mail": _every(2.0, DELIVER_MAIL),
    "deliver SMS": _every(2.0, DELIVER_SMS),
    "reconcile sales": _every(10.0, RECONCILE_SALES),
    **{f"pulse of {queue}": _every(2.0, task, queue) for queue, task in PULSES.items()},
}
