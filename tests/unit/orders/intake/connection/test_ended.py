"""Whoever answers that a body was too large or too slow, the connection ends with it."""

import asyncio
from typing import Any

import pytest

from orders.intake.handler import with_intake


@pytest.mark.parametrize(("status", "closes"), [(200, False), (408, True), (413, True)])
def test_an_answer_of_another_part_ends_the_connection_where_ours_would(
    status: int, closes: bool
) -> None:
    sent: list[Any] = []

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/api/v1/payments/callback", "method": "POST", "headers": []}
    asyncio.run(with_intake(application)(scope, lambda: None, send))  # type: ignore[arg-type, return-value]
    assert ((b"connection", b"close") in sent[0]["headers"]) is closes
