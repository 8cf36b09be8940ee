"""Probes are answered whatever goes on, and no crowd gets into Django at once."""

import asyncio
import json
from typing import Any

import pytest

from orders.api import outside, probes
from orders.api.outside import with_room
from orders.api.probes import with_probes
from orders.intake import placing
from orders.reads.reference_cache import read_snapshot
from shop.core.processes.threads import Overloaded

pytestmark = pytest.mark.django_db(transaction=True)


class Django:
    """Stands where Django stands, and answers when it may."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside.append(scope["path"])
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(
    application: Any, path: str, method: str = "GET", *, signed_in: bool = False
) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and document of an answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    given = [(b"x-request-id", b"m"), (b"cookie", b"sessionid=1")]
    scope = {"type": "http", "method": method, "path": path, "headers": given[: 1 + signed_in]}
    await application(scope, None, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = sent[1]["body"]
    return sent[0]["status"], headers, json.loads(body) if body else None


def test_probes_are_answered_in_front_of_django(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    async def look() -> tuple[bool, dict[str, Any]]:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.01)
        return looks > 1, {"failing": []}

    monkeypatch.setattr(probes, "readiness", look)

    async def scenario() -> None:
        django = Django()
        application = with_probes(django)
        for method in ("GET", "HEAD"):
            status, headers, document = await ask(application, "/healthz", method)
            assert (status, document) == (200, {"status": "ok"})
            assert headers["cache-control"] == "no-store"
            assert headers["x-request-id"] == "m"
        answers = await asyncio.gather(*(ask(application, "/readyz") for _ in range(50)))
        assert {status for status, _, _ in answers} == {503}
        assert answers[0][1]["retry-after"] == "1"
        assert looks == 1, "however many ask, one look is under way"
        assert (await ask(application, "/readyz"))[0] == 200
        assert django.inside == []
        django.may_answer.set()
        await ask(application, "/healthz", "POST")
        await ask(application, "/healthz/")
        assert django.inside == ["/healthz", "/healthz/"]

    asyncio.run(scenario())


def test_a_look_that_fails_is_told_as_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look() -> None:
        raise Overloaded("too much")

    monkeypatch.setattr(probes, "readiness", look)
    status, _, document = asyncio.run(ask(with_probes(Django()), "/readyz"))
    assert (status, document["type"]) == (503, "/problems/unavailable")


def test_the_crowd_waits_outside_and_operators_and_providers_do_not() -> None:
    async def scenario() -> None:
        django = Django()
        application = with_room(django)
        crowd = [asyncio.create_task(ask(application, "/sales/drop")) for _ in range(100)]
        others = [
            asyncio.create_task(ask(application, path, signed_in=signed_in))
            for path, signed_in in (
                ("/admin/orders/order/", True),
                ("/admin/login/", False),  # anybody can be a crowd there
                ("/api/v1/payments/stripe", False),
            )
        ]
        await asyncio.sleep(0.01)
        assert django.inside == [
            *["/sales/drop"] * outside.AT_ONCE[""],
            "/admin/orders/order/",
            "/api/v1/payments/stripe",
        ]
        django.may_answer.set()
        assert {status for status, _, _ in await asyncio.gather(*crowd, *others)} == {200}

    asyncio.run(scenario())


def test_where_too_many_wait_the_rest_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shop.core.concurrency.MOST_WAITING", 3)

    async def scenario() -> None:
        django = Django()
        application = with_room(django)
        crowd = [asyncio.create_task(ask(application, "/")) for _ in range(10)]
        await asyncio.sleep(0.01)
        django.may_answer.set()
        answers = await asyncio.gather(*crowd)
        refused = [each for each in answers if each[0] == 503]
        assert len(refused) == 10 - outside.AT_ONCE[""] - 3
        assert refused[0][2]["type"] == "/problems/unavailable"
        assert int(refused[0][1]["retry-after"]) >= 1

    asyncio.run(scenario())


def test_a_request_that_fails_gives_its_place_back() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("a fault of ours")

    async def scenario() -> None:
        application = with_room(failing)
        for _ in range(40):
            with pytest.raises(ValueError, match="of ours"):
                await asyncio.wait_for(ask(application, "/"), 1)

    asyncio.run(scenario())


def test_a_page_that_is_not_read_keeps_no_place() -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    async def scenario() -> None:
        application = with_room(endless)
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        deaf = [asyncio.create_task(application(dict(scope), None, send)) for _ in range(50)]
        await asyncio.sleep(0.01)
        assert len(sent) == 50
        for task in deaf:
            task.cancel()

    asyncio.run(scenario())


def test_junk_keys_cost_one_look_for_all_and_a_key_that_comes_again_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads = 0

    def counted() -> Any:
        nonlocal reads
        reads += 1
        return read_snapshot()

    monkeypatch.setattr("orders.reads.reference_cache.read_snapshot", counted)

    async def scenario() -> None:
        intake = placing.Intake()

        async def order(n: int) -> int:
            headers = [(b"authorization", b"Bearer fso_%d" % n), (b"idempotency-key", b"k")]
            return (await intake.place_order(headers, b"{}")).status

        assert set(await asyncio.gather(*(order(n) for n in range(200)))) == {401}
        assert reads <= 3
        read_once = reads
        answered: list[int] = []
        for n in range(200):
            headers = [(b"authorization", b"Bearer fso_%d" % n)]
            assert intake.place_at_once(headers, b"{}", lambda reply: answered.append(reply.status))
        assert answered == [401] * 200
        assert reads == read_once
        await intake.close()

    asyncio.run(scenario())
