"""Celery: how tasks are sent, acknowledged and bounded."""

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A primary that becomes a replica ends the calls in which workers wait (UNBLOCKED, READONLY).
# Without a retry that ends the worker, or leaves one that is alive and takes no messages.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A message whose worker died comes back after this long. Tasks are idempotent and hints only,
    # so a short time costs nothing, and a long one would delay orders.
    "visibility_timeout": 60,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "max_retries": 3,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 45
CELERY_TASK_SOFT_TIME_LIMIT = 35
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "upkeep"
CELERY_TASK_SEND_SENT_EVENT = True
CELERY_WORKER_SEND_TASK_EVENTS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A task that a lost connection interrupts is sent again, and continues where it was.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Celery connects to the database anew for each task, by default. An old or broken connection
# is closed between two tasks all the same (shop/core/tasks/signals.py).
CELERY_DB_REUSE_MAX = 2**31
CELERY_TIMEZONE = "UTC"
