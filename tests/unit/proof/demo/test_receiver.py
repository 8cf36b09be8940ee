"""The demo's webhook receiver: what it takes, what it refuses, and what it puts off."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiohttp import ClientSession

from proof.demo.account.inbox import EventMessage, Inbox
from proof.demo.people import receiver as receivers
from proof.demo.people.receiver import DemoReceiver
from shop.local.signed_payments import signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "A" * 32


def body(*, sale: str = "drop", sequence: int = 1, order_id: str = "id-1") -> bytes:
    data = {"id": order_id, "sale": sale}
    message = {"type": "order.placed", "sequence": sequence, "timestamp": "…", "data": data}
    return json.dumps(message).encode()


async def post(receiver: DemoReceiver, message: bytes, *, message_id: str = "evt_1") -> int:
    headers = signed_headers(SECRET, message_id, message)
    async with (
        ClientSession() as session,
        session.post(receiver.url, data=message, headers=headers) as response,
    ):
        return response.status


def received(
    work: Callable[[DemoReceiver], Coroutine[Any, Any, list[int]]], *, secret: str = SECRET
) -> tuple[list[int], Inbox]:
    """Return what `work` returns, and what the receiver has in its inbox then."""

    async def run() -> tuple[list[int], Inbox]:
        async with DemoReceiver(Inbox(), "drop") as receiver:
            receiver.secret = secret
            return await work(receiver), receiver.inbox

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _nothing_is_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "PUT_OFF_PERCENT", 0)


def test_a_signed_message_is_taken_and_written_down() -> None:
    async def work(receiver: DemoReceiver) -> list[int]:
        return [await post(receiver, body())]

    answers, inbox = received(work)
    assert answers == [204]
    assert inbox.of_order == {"id-1": [EventMessage("evt_1", "id-1", 1, "order.placed")]}
    assert inbox.events == {"order.placed": 1}


@pytest.mark.parametrize("message", [body(), b"{}", b"\xff"])
def test_a_message_signed_by_somebody_else_is_refused(message: bytes) -> None:
    async def work(receiver: DemoReceiver) -> list[int]:
        headers = signed_headers(OTHER, "evt_1", b"{}")
        async with (
            ClientSession() as session,
            session.post(receiver.url, data=message, headers=headers) as response,
        ):
            return [response.status]

    answers, inbox = received(work)
    assert answers == [401]
    assert inbox.refused.total() == 1
    assert inbox.of_order == {}


def test_an_unsigned_message_is_refused() -> None:
    async def work(receiver: DemoReceiver) -> list[int]:
        async with ClientSession() as session, session.post(receiver.url, data=body()) as response:
            return [response.status]

    answers, inbox = received(work)
    assert answers == [401]
    assert inbox.refused.total() == 1


def test_what_comes_before_the_secret_is_known_has_to_come_again() -> None:
    async def work(receiver: DemoReceiver) -> list[int]:
        return [await post(receiver, body())]

    answers, inbox = received(work, secret="")
    assert answers == [500]
    assert not inbox.refused


def test_another_sale_is_none_of_its_business() -> None:
    async def work(receiver: DemoReceiver) -> list[int]:
        return [await post(receiver, body(sale="other"))]

    answers, inbox = received(work)
    assert answers == [204]
    assert inbox.of_order == {}


def test_a_message_that_comes_again_is_a_duplicate() -> None:
    async def work(receiver: DemoReceiver) -> list[int]:
        return [await post(receiver, body()) for _ in range(3)]

    answers, inbox = received(work)
    assert answers == [204] * 3
    assert (inbox.duplicates, inbox.events.total()) == (2, 1)


def test_a_first_message_may_be_put_off_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "PUT_OFF_PERCENT", 100)

    async def work(receiver: DemoReceiver) -> list[int]:
        answers = [await post(receiver, body()), await post(receiver, body())]
        answers.append(await post(receiver, body(sequence=2), message_id="evt_2"))
        receiver.puts_off = False
        return [*answers, await post(receiver, body(order_id="id-2"), message_id="evt_3")]

    answers, inbox = received(work)
    assert answers == [500, 204, 204, 204]
    assert (inbox.put_off, inbox.duplicates) == (1, 0)
