"""Stock in Redis, taken by the script that the peers share."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import redis
from django.conf import settings
from redis.commands.core import Script

PATIENCE_SECONDS = 2.0


class Hold(NamedTuple):
    """The order that has the stock, and whether it has it only now."""

    order_id: str
    is_new: bool


def reserve(*, key: str, order_id: str, order: Mapping[str, Any]) -> Hold | None:
    """Take the stock of all lines under the request's key; None where it is sold out."""
    sale = f"{settings.STOCK_PREFIX}:{{{order['sale']}}}"
    lines = (part for line in order["lines"] for part in (line["sku"], line["quantity"]))
    found: Any = _script()(
        keys=[f"{sale}:stock", f"{sale}:requests"], args=[key, order_id, "", *lines]
    )
    return Hold(found[0].decode(), bool(found[1])) if found else None


@cache
def _script() -> Script:
    client = redis.Redis.from_url(
        settings.STOCK_REDIS_URL,
        protocol=2,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    )
    return client.register_script((Path(__file__).parents[1] / "reserve.lua").read_text())
