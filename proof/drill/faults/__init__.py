"""Every fault by its name. A fault ends when what it broke may work again."""

from collections.abc import Awaitable, Callable, Mapping

from proof.drill.fault_context import FaultContext

from . import (
    clocks,
    floods,
    hints,
    losses,
    mixed_load,
    payments,
    postgres,
    processes,
    redis,
)

Fault = Callable[[FaultContext], Awaitable[None]]

_ALL: tuple[Fault, ...] = (
    processes.nothing,
    mixed_load.a_minute_of_everything,
    processes.web_killed,
    processes.web_asked_to_end,
    processes.web_rolled,
    processes.worker_killed_in_batch,
    processes.worker_asked_to_end,
    processes.worker_frozen,
    processes.consumer_frozen,
    processes.beat_killed,
    processes.urgent_killed,
    processes.settle_killed,
    processes.upkeep_killed,
    payments.duties_frozen_over_paid_holds,
    payments.payments_ahead_of_orders,
    hints.broker_queues_deleted,
    hints.doorbell_lost,
    hints.entry_delivered_twice,
    redis.redis_killed,
    redis.redis_frozen,
    redis.redis_disk_full,
    redis.redis_out_of_memory,
    postgres.postgres_killed,
    postgres.postgres_killed_in_commit,
    postgres.postgres_frozen,
    postgres.postgres_slow,
    clocks.clock_jumps_in_redis,
    clocks.clock_jumps_in_postgres,
    clocks.clock_jumps_in_product,
    floods.silent_connections,
    floods.slow_heads,
    floods.pipelined_requests,
    floods.clients_that_never_read,
    floods.junk_keys,
    floods.unknown_slugs,
    floods.page_readers,
    floods.malformed_requests,
    processes.everything_killed,
    losses.redis_older_copy,
    losses.redis_replica_takes_over,
    losses.redis_replica_takes_over_waited,
    losses.redis_primary_before,
    losses.redis_primary_before_web_restarted,
    losses.redis_emptied,
)

FAULTS: Mapping[str, Fault] = {fault.__name__.replace("_", "-"): fault for fault in _ALL}
