"""The Redis servers themselves, from their INFO: the one with the stock, and the broker."""

from collections.abc import Iterator, Mapping
from typing import Any

import redis
from django.conf import settings
from prometheus_client.core import Metric

from shop.core.stores.redis import client

from . import broker
from .context import ScrapeContext
from .families import counter, gauge

_GAUGES = {
    "shop_redis_memory_used_bytes": ("used_memory", "Memory that Redis uses."),
    "shop_redis_memory_limit_bytes": ("maxmemory", "Memory that Redis may use; 0: no limit."),
    "shop_redis_aof_enabled": ("aof_enabled", "Whether Redis writes an append-only file."),
    "shop_redis_loading": ("loading", "Whether Redis reads its files and answers nothing yet."),
    "shop_redis_connections": ("connected_clients", "Connections of clients."),
    "shop_redis_connections_limit": ("maxclients", "Connections that Redis takes."),
    "shop_redis_replicas": ("connected_slaves", "Replicas that are connected."),
    "shop_redis_uptime_seconds": ("uptime_in_seconds", "Since Redis started."),
}
_COUNTERS = {
    "shop_redis_evicted_keys_total": ("evicted_keys", "Keys that were thrown away for memory."),
    "shop_redis_aof_delayed_fsync_total": (
        "aof_delayed_fsync",
        "Writes that waited for the disk.",
    ),
    "shop_redis_rejected_connections_total": (
        "rejected_connections",
        "Connections beyond the limit.",
    ),
    "shop_redis_commands_total": ("total_commands_processed", "Commands that Redis has run."),
}


def collect_stock_server(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how the server is that holds stock and outbox."""
    yield from _collect("stock", client())
    yield gauge(
        "shop_redis_replicas_wanted",
        "Replicas that have to have an order before its yes (REDIS_WAIT_REPLICAS).",
        [],
        [(settings.REDIS_WAIT_REPLICAS,)],
    )


def collect_broker_server(context: ScrapeContext) -> Iterator[Metric]:
    """Yield how the server is that holds Celery's queues; it may be the same one."""
    yield from _collect("broker", broker.client())


def _collect(server: str, connection: redis.Redis) -> Iterator[Metric]:
    info: Any = connection.info()
    for name, (field, text) in _GAUGES.items():
        yield gauge(name, text, ["server"], [(server, info[field])] if field in info else [])
    for name, (field, text) in _COUNTERS.items():
        yield counter(name, text, ["server"], [(server, info[field])] if field in info else [])
    yield gauge(
        "shop_redis_aof_last_write_ok",
        "Whether the last write to the append-only file succeeded.",
        ["server"],
        [(server, info.get("aof_last_write_status", "ok") == "ok")],
    )
    yield gauge(
        "shop_redis_role",
        "What a server is, and its mode of writing to disk.",
        ["server", "role", "appendfsync"],
        [(server, info["role"], _appendfsync(connection), 1)],
    )
    yield gauge(
        "shop_redis_replica_lag_bytes",
        "What a replica has not confirmed yet.",
        ["server", "replica"],
        [(server, replica, lag) for replica, lag in _replicas(info)],
    )


def _appendfsync(connection: redis.Redis) -> str:
    """Return the mode, "off" without a file, "unknown" where Redis keeps it to itself."""
    try:
        config: Any = connection.config_get("appendonly", "appendfsync")
    except redis.ResponseError:
        return "unknown"
    return str(config["appendfsync"]) if config.get("appendonly") == "yes" else "off"


def _replicas(info: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for number in range(int(info["connected_slaves"])):
        replica: Any = info.get(f"slave{number}", {})
        if isinstance(replica, dict) and "offset" in replica:
            name = f"{replica['ip']}:{replica['port']}"
            yield name, max(0, int(info["master_repl_offset"]) - int(replica["offset"]))
