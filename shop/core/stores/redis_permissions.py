"""Which commands Redis refuses to us: asked at the start, not found out by an order."""

from typing import Any

import redis

from .redis import client

SALE, SHOP = (
    "{sale:0}:probe",
    "shop:probe",
)  # sales are numbered from 1; nothing else has these keys
SECONDS = "10"

# Each command that the product or its scripts use, once, on keys of their own and without effect.
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("PING",),
    ("TIME",),
    ("INFO", "server"),
    ("SCRIPT", "LOAD", "return 1"),
    ("EVALSHA", "0" * 40, "0"),
    ("EVAL", "return 1", "0"),
    ("SET", SHOP, "0", "PX", "1000"),
    ("GET", SHOP),
    ("INCR", SHOP),
    ("DEL", SHOP),
    ("HSET", SALE, "a", "1"),
    ("HGET", SALE, "a"),
    ("HMGET", SALE, "a"),
    ("HGETALL", SALE),
    ("HKEYS", SALE),
    ("HLEN", SALE),
    ("HSCAN", SALE, "0"),
    ("HINCRBY", SALE, "a", "1"),
    ("HDEL", SALE, "a"),
    ("EXISTS", SALE),
    ("EXPIRE", SALE, SECONDS),
    ("PEXPIRE", SALE, "1"),
    ("UNLINK", SALE),
    ("XGROUP", "CREATE", SALE, "persist", "0", "MKSTREAM"),
    ("XADD", SALE, "*", "a", "1"),
    ("XLEN", SALE),
    ("XRANGE", SALE, "-", "+", "COUNT", "1"),
    ("XREADGROUP", "GROUP", "persist", "probe", "COUNT", "1", "STREAMS", SALE, ">"),
    ("XAUTOCLAIM", SALE, "persist", "probe", "0", "0-0", "COUNT", "1"),
    ("XCLAIM", SALE, "persist", "probe", "0", "0-1"),
    ("XINFO", "STREAM", SALE),
    ("XACK", SALE, "persist", "0-1"),
    ("XDEL", SALE, "0-1"),
    ("XSETID", SALE, "9999999999999-0"),
    ("UNLINK", SALE),
    ("ZADD", SALE, "0", "a"),
    ("ZCARD", SALE),
    ("ZRANGE", SALE, "0", "-1", "WITHSCORES"),
    ("ZREMRANGEBYSCORE", SALE, "-inf", "0"),
    ("ZREM", SALE, "a"),
    ("UNLINK", SALE),
)


def missing_permissions() -> list[str]:
    """Return what Redis refuses to our user: "XADD", or the keys of a sale. Raises RedisError."""
    with client().pipeline(transaction=False) as pipe:
        for command in COMMANDS:
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        replies = pipe.execute(raise_on_error=False)
    found = [
        _named(command, reply)
        for command, reply in zip(COMMANDS, replies, strict=True)
        if isinstance(reply, redis.exceptions.NoPermissionError)
    ]
    return list(dict.fromkeys(found))


def _named(command: tuple[str, ...], refusal: Any) -> str:
    if "key" in str(refusal):
        [key] = {SALE, SHOP} & set(command)
        return "the keys {sale:*" if key == SALE else "the keys shop:*"
    return command[0]
