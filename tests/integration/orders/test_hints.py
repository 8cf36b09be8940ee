"""One hint says as much as a thousand: nothing that is due waits behind a queue of them."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from django.conf import settings

from orders.models import ApiClient
from orders.services.holds import cancel_order
from orders.task_names import EXPIRE_HOLDS, PULSES, SWEEP_RELEASES
from shop.core.tasks import dispatch
from tests.conftest import MakeSale
from tests.life import placed
from tests.placing import Request
from workers.beat import SteadyScheduler

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """An empty broker, which no worker reads."""
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


def waiting(broker: redis.Redis) -> dict[str, int]:
    """How many messages wait in each queue."""
    lengths = {queue: broker.llen(queue) for queue in PULSES}
    return {queue: length for queue, length in lengths.items() if length}


def test_many_cancellations_leave_one_hint(
    make_sale: MakeSale, api_client: tuple[ApiClient, str], broker: redis.Redis
) -> None:
    client, key = api_client
    orders = placed(make_sale("drop", {"TEE": 50}), key, *(Request(f"k-{n}") for n in range(30)))
    broker.flushdb()
    for order in orders:
        cancel_order(order.pk, client_id=client.pk)
    assert waiting(broker)["urgent"] == 1


def test_work_that_has_begun_may_be_asked_for_again(broker: redis.Redis) -> None:
    for _ in range(3):
        assert dispatch.send(SWEEP_RELEASES)
    dispatch.begun(SWEEP_RELEASES.name, ())
    for _ in range(3):
        assert dispatch.send(SWEEP_RELEASES)
    assert waiting(broker) == {"urgent": 2}


def test_hints_for_other_work_and_other_arguments_are_others(broker: redis.Redis) -> None:
    dispatch.send(EXPIRE_HOLDS)
    dispatch.send(SWEEP_RELEASES)
    dispatch.send(PULSES["urgent"], "urgent")
    dispatch.send(PULSES["urgent"], "another")
    assert waiting(broker) == {"urgent": 4}


def test_a_hint_that_is_lost_is_given_again_soon(broker: redis.Redis) -> None:
    dispatch.send(EXPIRE_HOLDS)
    assert 0 < broker.pttl("hint:orders.expire_holds:[]") <= 2000
    broker.flushdb()  # with the queue, the mark is lost, too
    dispatch.send(EXPIRE_HOLDS)
    assert waiting(broker) == {"urgent": 1}


@pytest.fixture
def read_only_broker(broker: redis.Redis) -> Iterator[None]:
    """The broker follows another server, which nobody reaches: it takes no writes."""
    broker.replicaof("127.0.0.1", 1)
    yield
    broker.replicaof("NO", "ONE")


@pytest.mark.usefixtures("read_only_broker")
def test_a_broker_that_is_read_only_costs_hints_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert dispatch.send(EXPIRE_HOLDS) is False
    assert "a sweep will make up for it" in caplog.text


@pytest.mark.usefixtures("read_only_broker")
def test_a_worker_counts_a_read_only_broker_among_what_passes(broker: redis.Redis) -> None:
    from shop.celery import app

    with app.connection_for_read() as connection:
        passing = (*connection.recoverable_connection_errors, *connection.channel_errors)
    with pytest.raises(passing):  # the consumer connects anew, and its worker lives
        broker.lpush("queue", "message")
    assert app.conf.broker_channel_error_retry


def test_beat_asks_for_nothing_that_is_asked_for_already(broker: redis.Redis) -> None:
    from shop.celery import app

    scheduler = SteadyScheduler(app=app, lazy=True)
    scheduler.setup_schedule()
    for _ in range(5):
        for entry in list(scheduler.schedule.values()):
            scheduler.apply_async(entry)
    assert waiting(broker) == {"persist": 1, "urgent": 4, "settle": 2, "upkeep": 2, "notify": 4}


def test_a_broker_that_keeps_no_marks_gets_every_hint(
    broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "broker", lambda: None)
    for _ in range(3):
        dispatch.send(EXPIRE_HOLDS)
    assert waiting(broker) == {"urgent": 3}
    with suppress(redis.RedisError):
        dispatch.begun(EXPIRE_HOLDS.name, ())


def test_work_that_is_held_back_is_not_asked_for_until_it_may_be(broker: redis.Redis) -> None:
    dispatch.hold_back(SWEEP_RELEASES)
    dispatch.send(SWEEP_RELEASES)
    assert waiting(broker) == {}
    dispatch.begun(SWEEP_RELEASES.name, ())
    dispatch.send(SWEEP_RELEASES)
    assert waiting(broker) == {"urgent": 1}


def test_work_that_is_held_back_by_a_process_that_dies_is_asked_for_soon(
    broker: redis.Redis,
) -> None:
    dispatch.hold_back(SWEEP_RELEASES)
    [key] = broker.keys("hint:*")
    assert 0 < broker.pttl(key) <= dispatch.HINT_MS
