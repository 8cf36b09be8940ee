"""The intake when things around it change or go away."""

import asyncio
import json
import socket
import threading
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis
import redis.asyncio
from django.db import OperationalError
from pytest_django import Settings

from inventory import counters, reserving
from inventory.counters.decisions import read_decision
from inventory.counters.keys import Keys
from orders.http.replies import Reply
from orders.intake import admission
from orders.intake.handler import with_intake
from orders.intake.placing import Intake
from orders.models import ApiClient, Order
from orders.reads import reference_cache
from orders.reconciliation.compare import reconcile
from orders.reconciliation.rebuild import rebuild_stock
from orders.services.clients import create_client
from shop.core.processes import threads
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.persisting import persist
from tests.placing import Request, document, header, headers, place_all, place_raw
from tests.processes import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def in_one_loop(steps: Callable[[Intake], Awaitable[None]]) -> None:
    async def run() -> None:
        intake = Intake()
        try:
            await steps(intake)
        finally:
            await intake.close()

    asyncio.run(run())


async def place(intake: Intake, api_key: str, key: str, **changes: Any) -> Reply:
    request = Request(key, **changes)
    return await intake.place_order(headers(api_key, key), request.body())


def test_a_revoked_key_is_refused_once_the_copy_is_stale(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale()
    monkeypatch.setattr(reference_cache, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(reference_cache, "STALE_SECONDS", 0.0)

    async def steps(intake: Intake) -> None:
        assert (await place(intake, api_key, "k-1")).status == 202
        await threads.in_thread(ApiClient.objects.update, active=False)
        assert (await place(intake, api_key, "k-2")).status == 401

    in_one_loop(steps)


def test_a_new_client_and_a_new_sale_are_known_at_once(make_sale: MakeSale, api_key: str) -> None:
    async def steps(intake: Intake) -> None:
        assert (await place(intake, api_key, "k-1")).status == 422
        await threads.in_thread(make_sale)
        replies = await asyncio.gather(*(place(intake, api_key, f"k-{n}") for n in range(30)))
        assert {reply.status for reply in replies} == {202}

    in_one_loop(steps)


def test_a_reading_that_began_too_early_is_not_taken_for_an_answer(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale()
    has_read, go_on = threading.Event(), threading.Event()
    read_snapshot = reference_cache.read_snapshot

    def slowly() -> reference_cache.Snapshot:
        snapshot = read_snapshot()
        has_read.set()
        assert go_on.wait(30)
        return snapshot

    async def steps(intake: Intake) -> None:
        assert (await place(intake, api_key, "k-1")).status == 202
        monkeypatch.setattr(reference_cache, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(reference_cache, "read_snapshot", slowly)
        await intake.references.current()  # not fresh, so it is read again in the background
        await asyncio.to_thread(has_read.wait, 30)
        _, new_key = await threads.in_thread(create_client, name="newcomer")
        order = asyncio.create_task(place(intake, new_key, "k-2"))
        await asyncio.sleep(0)  # let it find that the copy does not have it
        go_on.set()
        assert (await order).status == 202

    in_one_loop(steps)


def test_the_first_order_asks_for_a_persist_task_and_the_next_ones_do_not(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    make_sale()
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    broker.delete("persist")
    for n in range(3):
        place_all(api_key, [Request(f"k-{n}")])
    assert broker.llen("persist") == 1
    broker.delete("persist")


def test_orders_are_accepted_while_postgresql_is_away(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale()

    def away() -> None:
        raise OperationalError("connection refused")

    async def steps(intake: Intake) -> None:
        assert (await place(intake, api_key, "k-1")).status == 202
        monkeypatch.setattr(reference_cache, "read_snapshot", away)
        monkeypatch.setattr(reference_cache, "STALE_SECONDS", 0.0)
        assert (await place(intake, api_key, "k-2")).status == 202

    in_one_loop(steps)


def test_orders_are_accepted_while_postgresql_stands_still(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale()
    go_on = threading.Event()

    def stand_still() -> None:
        assert go_on.wait(30)
        raise OperationalError("gone after all")

    async def steps(intake: Intake) -> None:
        assert (await place(intake, api_key, "k-1")).status == 202
        monkeypatch.setattr(reference_cache, "read_snapshot", stand_still)
        monkeypatch.setattr(reference_cache, "STALE_SECONDS", 0.0)
        monkeypatch.setattr(reference_cache, "FRESH_SECONDS", 0.0)
        try:
            assert (await place(intake, api_key, "k-2")).status == 202
        finally:
            go_on.set()

    in_one_loop(steps)


def test_what_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "PATIENCE_SECONDS", 0.05)
    go_on = threading.Event()

    async def steps(_: Intake) -> None:
        try:
            with pytest.raises(threads.Overloaded):
                await threads.in_thread(go_on.wait, 30)
        finally:
            go_on.set()

    in_one_loop(steps)


def test_a_process_that_never_reached_postgresql_answers_503(
    api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(reference_cache, "read_snapshot", away)
    (reply,) = place_all(api_key, [Request("k-1")])
    assert (reply.status, document(reply)["type"]) == (503, "/problems/unavailable")


def test_while_redis_is_away_the_answer_is_503_and_never_yes(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    make_sale()
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    (reply,) = place_all(api_key, [Request("k-1")])
    assert (reply.status, document(reply)["type"]) == (503, "/problems/unavailable")
    assert header(reply, "Retry-After") in ("1", "2", "3")


def test_who_queued_up_behind_a_silent_redis_does_not_wait_for_it_once_more(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    make_sale()
    settings.INTAKE_MAX_BATCH = 1
    settings.REDIS_TIMEOUT_SECONDS = 0.2
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0)
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        replies = place_all(api_key, [Request(f"k-{n}") for n in range(20)])
        connections = sum(1 for _ in range(20) if _accepted(silent))
    assert {reply.status for reply in replies} == {503}
    # One to ask, one to see how full it is, and one to tell at the end how that went.
    assert connections == 3


def _accepted(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_a_redis_that_accepts_and_never_answers_is_given_up(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    make_sale()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.REDIS_TIMEOUT_SECONDS = 0.05
        (reply,) = place_all(api_key, [Request("k-1")])
    assert reply.status == 503


def test_a_reply_that_was_lost_is_found_again_with_the_same_key(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale()

    def lose(slug: str, reply: list[Any]) -> None:
        read_decision(slug, reply)  # a server that is new to us has not acted yet
        raise redis.TimeoutError("the reply was lost after Redis had acted")

    with monkeypatch.context() as patch:
        patch.setattr(reserving, "read_decision", lose)
        (doubtful,) = place_all(api_key, [Request("k-1")])
    assert doubtful.status == 503
    (retried,) = place_all(api_key, [Request("k-1")])
    assert (retried.status, header(retried, "Idempotent-Replayed")) == (202, "true")
    (sku,) = counters.snapshot(sale.pk, "drop").skus.values()
    assert (sku.available, sku.taken) == (49, 1)


def test_a_script_that_ran_twice_over_a_broken_connection_is_no_replay(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale()
    once = redis.asyncio.Redis.evalsha

    async def twice(self: Any, *arguments: Any) -> Any:
        await once(self, *arguments)
        return await once(self, *arguments)

    place_all(api_key, [Request("first")])  # the script is known to Redis from here on
    monkeypatch.setattr(redis.asyncio.Redis, "evalsha", twice)
    (reply,) = place_all(api_key, [Request("k-1")])
    assert (reply.status, header(reply, "Idempotent-Replayed")) == (202, None)


def test_a_fault_of_ours_is_answered_as_a_doubt_and_logged(
    make_sale: MakeSale,
    api_key: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_sale()

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(admission, "decode_order", fail)
    reply = place_raw(headers(api_key, "k-1", x_request_id="r-1"), Request("k-1").body())
    assert (reply.status, document(reply)["type"]) == (503, "/problems/unavailable")
    assert "an order failed [r-1]" in caplog.text
    assert "a fault" in caplog.text


def test_a_forgotten_script_is_sent_again(make_sale: MakeSale, api_key: str) -> None:
    make_sale()

    async def steps(intake: Intake) -> None:
        assert (await place(intake, api_key, "k-1")).status == 202
        client().script_flush()
        assert (await place(intake, api_key, "k-2")).status == 202

    in_one_loop(steps)


def test_over_its_bound_the_queue_answers_503(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    make_sale("drop", {"TEE": 500})
    settings.INTAKE_MAX_QUEUE = 20
    settings.INTAKE_MAX_BATCH = 5
    replies = place_all(api_key, [Request(f"k-{n}") for n in range(200)])
    statuses = {reply.status for reply in replies}
    assert statuses == {202, 503}


def test_an_order_that_waited_too_long_is_not_judged(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    sale = make_sale()
    settings.INTAKE_MAX_WAIT_SECONDS = -1.0
    (reply,) = place_all(api_key, [Request("k-1")])
    assert reply.status == 503
    assert not client().exists(Keys.of(sale.pk).requests)


def test_a_full_outbox_answers_503(make_sale: MakeSale, api_key: str, settings: Settings) -> None:
    make_sale()
    settings.OUTBOX_MAX_BACKLOG = 3
    replies = place_all(api_key, [Request(f"k-{n}") for n in range(5)])
    assert sorted(reply.status for reply in replies) == [202, 202, 202, 503, 503]


def test_a_client_over_its_rate_is_told_when_to_come_back(
    make_sale: MakeSale, api_key: str
) -> None:
    make_sale()
    ApiClient.objects.update(rate_limit=2)
    replies = place_all(api_key, [Request(f"k-{n}") for n in range(50)])
    limited = [reply for reply in replies if reply.status == 429]
    assert 0 < len(limited) < 50
    assert {document(reply)["type"] for reply in limited} == {"/problems/rate-limited"}
    assert {header(reply, "Retry-After") for reply in limited} == {"1"}


def test_a_price_that_changes_later_changes_no_replay(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale()
    (first,) = place_all(api_key, [Request("k-1")])
    sale.allocations.update(unit_price="99.00")
    again, other = place_all(api_key, [Request("k-1"), Request("k-2")])
    assert again.body == first.body
    assert document(other)["total"] == "99.00"


def test_requests_that_differ_only_in_spacing_are_the_same(
    make_sale: MakeSale, api_key: str
) -> None:
    make_sale()
    body = Request("k-1", extra={"metadata": {"a": 1, "b": 2}}).body()
    spaced = json.dumps(json.loads(body), indent=2, sort_keys=True).encode()
    first, again = (place_raw(headers(api_key, "k-1"), one) for one in (body, spaced))
    assert (again.status, header(again, "Idempotent-Replayed")) == (202, "true")
    assert document(again) == document(first)


@pytest.mark.parametrize(
    ("sent", "echoed"), [("abc-1.2_3:4", True), ("a b", False), ("x" * 129, False), ("", False)]
)
def test_a_sane_request_id_is_echoed(
    make_sale: MakeSale, api_key: str, sent: str, echoed: bool
) -> None:
    make_sale()
    reply = place_raw(headers(api_key, "k-1", x_request_id=sent), Request("k-1").body())
    assert reply.status == 202
    answered = header(reply, "X-Request-ID")
    assert answered
    assert (answered == sent) is echoed


def test_who_waits_for_an_order_is_told_when_it_is_persisted(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale()

    async def steps(intake: Intake) -> None:
        order_id = uuid.UUID(document(await place(intake, api_key, "k-1"))["id"])
        waiting = [
            asyncio.create_task(intake.watch.next_status(order_id, "accepted", 30))
            for _ in range(20)
        ]
        assert await intake.watch.next_status(order_id, "accepted", 0.001) is None
        await threads.in_thread(persist, sale)
        assert set(await asyncio.gather(*waiting)) == {"awaiting_payment"}
        assert await intake.watch.next_status(order_id, "accepted", 30) == "awaiting_payment"

    in_one_loop(steps)


def test_at_the_bound_of_waiting_requests_the_answer_comes_at_once(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    make_sale()
    settings.INTAKE_MAX_WATCHERS = 0
    reply = place_raw(headers(api_key, "k-1", prefer="wait=30"), Request("k-1").body())
    assert reply.status == 202


def test_a_body_that_does_not_come_is_given_up(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    make_sale()
    settings.INTAKE_BODY_TIMEOUT_SECONDS = 0.05
    sent: list[Any] = []

    async def run() -> None:
        parts = iter([{"type": "http.request", "body": b"{", "more_body": True}])

        async def receive() -> Any:
            try:
                return next(parts)
            except StopIteration:
                await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        async def nothing_else(*_: Any) -> None:
            raise AssertionError("orders are the intake's")

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/v1/orders",
            "headers": headers(api_key, "k-1"),
        }
        await with_intake(nothing_else)(scope, receive, send)

    asyncio.run(run())
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["type"] == "/problems/body-timeout"


def test_one_key_in_two_sales_asks_for_two_orders(make_sale: MakeSale, api_key: str) -> None:
    drop, other = make_sale("drop", {"TEE": 50}), make_sale("other", {"CAP": 50})
    here, there = Request("k-1"), Request("k-1", sale="other", lines={"CAP": 1})
    replies = place_all(api_key, [here, there])
    persist(drop)
    persist(other)
    again = place_all(api_key, [there, here])
    ids = [document(reply)["id"] for reply in replies]
    assert [reply.status for reply in (*replies, *again)] == [202] * 4
    assert [document(reply)["id"] for reply in again] == ids[::-1]
    assert [header(reply, "Idempotent-Replayed") for reply in again] == ["true"] * 2
    assert {str(pk) for pk in Order.objects.values_list("pk", flat=True)} == set(ids)
    assert not Order.objects.filter(status="rejected").exists()


def test_a_key_that_was_refused_in_one_sale_is_free_in_every_other(
    make_sale: MakeSale, api_key: str
) -> None:
    make_sale("drop", {"TEE": 1})
    make_sale("other", {"CAP": 50})
    (refused,) = place_all(api_key, [Request("k-1", lines={"TEE": 2})])
    (accepted,) = place_all(api_key, [Request("k-1", sale="other", lines={"CAP": 1})])
    assert document(refused)["type"] == "/problems/sold-out"
    assert accepted.status == 202


def test_after_a_rebuild_one_key_in_two_sales_still_stands_for_two_orders(
    make_sale: MakeSale, api_key: str
) -> None:
    sales = make_sale("drop", {"TEE": 50}), make_sale("other", {"CAP": 50})
    requests = [Request("k-1"), Request("k-1", sale="other", lines={"CAP": 1})]
    first = place_all(api_key, requests)
    for sale in sales:
        rebuild_stock(sale.pk)
    again = place_all(api_key, requests)
    assert [document(reply)["id"] for reply in again] == [document(reply)["id"] for reply in first]
    assert [reconcile(sale.pk, sale.slug).drift for sale in sales] == [0, 0]
