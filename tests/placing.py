"""Placing orders through the intake without HTTP: any number at once, in one event loop."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orders.http.replies import Reply
from orders.intake.placing import Intake


@dataclass(frozen=True)
class Request:
    """One order request; what is not said is one TEE for ada in the sale "drop"."""

    key: str
    customer: str = "ada"
    lines: dict[str, int] = field(default_factory=lambda: {"TEE": 1})
    sale: str = "drop"
    extra: dict[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in self.lines.items()]
        document = {"sale": self.sale, "customer": self.customer, "lines": lines, **self.extra}
        return json.dumps(document).encode()


def headers(api_key: str, key: str, **more: str) -> list[tuple[bytes, bytes]]:
    given = {
        "authorization": f"Bearer {api_key}",
        "content-type": "application/json",
        "idempotency-key": key,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return [(name.encode(), value.encode()) for name, value in given.items()]


def place_all(api_key: str, requests: Sequence[Request]) -> list[Reply]:
    """Place all requests at once, and return their replies in the same order."""

    async def run() -> list[Reply]:
        intake = Intake()
        try:
            return await asyncio.gather(
                *(
                    intake.place_order(headers(api_key, request.key), request.body())
                    for request in requests
                )
            )
        finally:
            await intake.close()

    return asyncio.run(run())


def place_raw(raw_headers: list[tuple[bytes, bytes]], body: bytes | None) -> Reply:
    """Place one order exactly as given."""

    async def run() -> Reply:
        intake = Intake()
        try:
            return await intake.place_order(raw_headers, body)
        finally:
            await intake.close()

    return asyncio.run(run())


def document(reply: Reply) -> dict[str, Any]:
    return dict(json.loads(reply.body))


def header(reply: Reply, name: str) -> str | None:
    for key, value in reply.headers:
        if key == name.lower().encode():
            return value.decode()
    return None
