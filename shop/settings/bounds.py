"""Bounds of web, intake and tasks: connections, bodies, queues, batches and times."""

from .base import env

# A connection, before its requests are read (docs/adr/0021).
WEB_MAX_CONNECTIONS_PER_ADDRESS = env.whole("WEB_MAX_CONNECTIONS_PER_ADDRESS")
WEB_MAX_KEPT_BYTES = 64 * 1024 * 1024  # of unanswered requests, in one process
WEB_HEAD_SECONDS = env.number("WEB_HEAD_SECONDS")  # until a head has to be whole
WEB_UNREAD_SECONDS = env.number("WEB_UNREAD_SECONDS")  # for a client to read its answers
MAX_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # of any request

INTAKE_MAX_BODY_BYTES = 16 * 1024
INTAKE_BODY_TIMEOUT_SECONDS = 10.0
# A Lua call takes some 8,000 values at once, hence the upper bounds of what makes up one call.
INTAKE_MAX_BATCH = env.whole("INTAKE_MAX_BATCH")  # orders in a script call
INTAKE_MAX_QUEUE = env.whole("INTAKE_MAX_QUEUE")  # orders waiting for their call
INTAKE_MAX_WAIT_SECONDS = 2.0  # an order that waited longer is answered 503, not executed
INTAKE_MAX_WATCHERS = 10_000  # requests that wait for a status change, per process
INTAKE_MAX_REFUSALS = env.whole("INTAKE_MAX_REFUSALS")  # remembered per sale
OUTBOX_MAX_BACKLOG = env.whole("OUTBOX_MAX_BACKLOG")  # orders not yet persisted
PERSIST_BATCH = env.whole("PERSIST_BATCH")  # orders in one transaction
PERSIST_CLAIM_IDLE_MS = env.whole("PERSIST_CLAIM_IDLE_MS")
# A batch costs as much as a hundred orders, so those of a busy sale are collected for this long.
PERSIST_PAUSE_SECONDS = 0.05
PERSIST_TASK_SECONDS = 3.0  # a drain hands over to a fresh task then: other sales wait, too

URGENT_TASK_SECONDS = 1.0  # a task that ends holds or releases stock hands over then
EXPIRE_BATCH = 1000  # orders whose hold is ended in one transaction
SETTLE_TASK_SECONDS = 3.0  # a task that applies payments hands over then
SETTLE_BATCH = 500  # payments that are applied in one transaction

NOTIFY_TASK_SECONDS = 15.0  # a task that delivers events hands over to a fresh one then
NOTIFY_LINGER_SECONDS = 2.0  # for which a task that delivered something waits for more
NOTIFY_TIMEOUT_SECONDS = 15.0  # for one webhook call
NOTIFY_LANE = 32  # calls under way to one endpoint
NOTIFY_MAX_IN_FLIGHT = 256  # calls under way to all
