"""Each source tells what was done, no more and no less."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from uuid import UUID

import pytest
from celery.signals import heartbeat_sent, task_revoked
from django.conf import settings
from django.db import connection
from django.db.models import F

from inventory import counters, outbox
from inventory.counters.keys import Keys
from inventory.models import Sale
from orders.metrics import broker
from orders.metrics.postgresql import COUNTED_EXACTLY
from orders.metrics.sources import STORES
from orders.models import ApiClient, Delivery, Endpoint, LostOrder, Order
from orders.reads.lateness import lateness
from orders.reads.live_stats import NO_SALE, StatsDelta
from orders.services import sent_count
from orders.services.holds import cancel_order
from proof.soak.samples import Discarded
from shop.core import clock
from shop.core.stores.redis import client
from shop.core.tasks import discarded
from tests.conftest import MakeSale
from tests.factories import dead_letter, persisted_order, unreadable_dead_letter
from tests.life import pay, place, placed
from tests.persisting import persist
from tests.placing import Request, place_all
from tests.scrapes import failing, figures, scraped
from workers.tasks import expire_unpaid_orders

pytestmark = pytest.mark.django_db(transaction=True)

BOUNDS = ("0.001", "0.002", "0.005", "2.0", "+Inf")


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50, "CAP": 10})


def tell(delta: StatsDelta) -> None:
    """Let a process add to Redis what it has counted."""
    with client().pipeline(transaction=False) as pipe:
        delta.write(pipe)
        pipe.execute()


def test_no_source_fails_on_an_empty_shop() -> None:
    told = figures()
    assert failing(told) == set()
    assert all(told["shop_up", store.name] for store in STORES)


def test_every_source_says_how_long_it_took() -> None:
    told = figures()
    sources = [source for store in STORES for source in store.sources]
    assert all(told["shop_scrape_duration_seconds", source] > 0 for source in sources)


def test_no_family_is_told_twice_and_names_keep_to_the_conventions() -> None:
    families = scraped()
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.documentation
        assert family.name.startswith("shop_")
        # The parser takes _total from a counter's name, so it must be left on nothing else.
        assert not family.name.endswith(("_total", "_ms", "_milliseconds", "_count", "_sum"))
        assert family.type in ("counter", "gauge", "histogram")


def test_answers_add_up_over_processes_and_are_told_by_outcome(sale: Sale) -> None:
    for accepted, sold_out in ((3, 1), (4, 2)):  # two processes
        delta = StatsDelta()
        delta.answered(sale.pk, Counter({"accepted": accepted, "sold-out": sold_out}))
        delta.answered(NO_SALE, Counter({"unauthenticated": 5}))
        delta.ended(Counter({"malformed-request": 4}))
        tell(delta)
    told = figures()
    assert told["shop_requests_total", "accepted", "drop"] == 7
    assert told["shop_requests_total", "sold-out", "drop"] == 3
    assert told["shop_requests_total", "unavailable", "drop"] == 0
    assert told["shop_requests_total", "unauthenticated", ""] == 10
    assert told["shop_connections_ended_total", "malformed-request"] == 8
    assert told["shop_connections_ended_total", "no-place"] == 0


def test_latencies_and_batches_are_histograms_in_base_units(sale: Sale) -> None:
    delta = StatsDelta()
    delta.decided(sale.pk, [0.9965, 0.9985], now=1.0)  # 3.5 and 1.5 ms
    delta.decided(sale.pk, [7.0], now=10.0)
    tell(delta)
    told = figures()
    buckets = {
        bound: told["shop_answer_duration_seconds_bucket", bound, "drop"] for bound in BOUNDS
    }
    assert buckets == {"0.001": 0, "0.002": 1, "0.005": 2, "2.0": 2, "+Inf": 3}
    assert told["shop_answer_duration_seconds_count", "drop"] == 3
    assert told["shop_answer_duration_seconds_sum", "drop"] == pytest.approx(3.005)
    assert told["shop_batch_orders_bucket", "1.0", "drop"] == 1
    assert told["shop_batch_orders_bucket", "2.0", "drop"] == 2
    assert told["shop_batch_orders_count", "drop"] == 2
    assert told["shop_batch_orders_sum", "drop"] == 3


def test_from_the_request_to_the_row_the_sums_are_what_was_done(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 4}, limit=1)
    first = [Request(f"k-{number}", customer=f"c-{number}") for number in range(3)]
    place_all(api_key, first)
    place_all(api_key, first[:2])  # once more
    place_all(api_key, [Request("k-3", customer="c-0"), Request("k-4", lines={"TEE": 2})])
    place_all(api_key, [Request("k-5", customer="d-5"), Request("k-6", customer="d-6")])
    place_all("no key", [Request("k-7")])
    assert persist(sale) == 4
    told = figures()
    assert told["shop_requests_total", "accepted", "drop"] == 4
    assert told["shop_requests_total", "replayed", "drop"] == 2
    assert told["shop_requests_total", "purchase-limit", "drop"] == 2
    assert told["shop_requests_total", "sold-out", "drop"] == 1
    assert told["shop_requests_total", "unauthenticated", ""] == 1
    assert sum(count for key, count in told.items() if key[0] == "shop_requests_total") == 10
    assert told["shop_answer_duration_seconds_count", "drop"] == 9
    assert told["shop_batch_orders_sum", "drop"] == 9
    assert (
        told["shop_orders_persisted_total", "drop"] == told["shop_orders", "awaiting_payment"] == 4
    )
    assert told["shop_ledger_units", "drop", "held"] == 4
    assert told["shop_outbox_entries", "drop"] == 0


def test_persisted_orders_are_counted(sale: Sale) -> None:
    delta = StatsDelta()
    delta.persisted(sale.pk, 12)
    tell(delta)
    assert figures()["shop_orders_persisted_total", "drop"] == 12


def test_sales_that_ended_days_ago_are_no_labels_any_more(sale: Sale, make_sale: MakeSale) -> None:
    over = make_sale("over", {"MUG": 5})
    Sale.objects.filter(pk=over.pk).update(closed_at=F("opens_at") - timedelta(days=3))
    delta = StatsDelta()
    delta.answered(over.pk, Counter({"accepted": 3}))
    tell(delta)
    labelled = {
        sample.labels["sale"]
        for family in scraped()
        for sample in family.samples
        if "sale" in sample.labels
    }
    assert labelled == {"", "drop"}


def test_entries_that_a_worker_has_taken_are_told_apart_from_the_rest(
    sale: Sale, api_key: str
) -> None:
    place(api_key, *(Request(f"k-{number}", customer=f"c-{number}") for number in range(5)))
    outbox.read_new(sale.pk, consumer="worker", count=2)
    told = figures()
    assert told["shop_outbox_entries", "drop"] == 5
    assert told["shop_outbox_pending_entries", "persist", "drop"] == 2
    assert told["shop_outbox_unclaimed_entries", "drop"] == 3
    assert told["shop_outbox_oldest_seconds", "drop"] > 0
    assert told["shop_outbox_limit_entries",] == settings.OUTBOX_MAX_BACKLOG


def test_lost_counters_are_told(sale: Sale, make_sale: MakeSale) -> None:
    make_sale("other", {"MUG": 5})
    counters.fence(sale.pk)
    told = figures()
    assert (told["shop_counters_present", "drop"], told["shop_counters_present", "other"]) == (0, 1)
    assert failing(told) == set()


def test_a_sale_whose_keys_are_all_gone_fails_no_source(sale: Sale) -> None:
    client().delete(*Keys.of(sale.pk))
    told = figures()
    assert failing(told) == set()
    assert told["shop_outbox_unclaimed_entries", "drop"] == 0


def test_orders_units_and_holds_are_told(sale: Sale, api_client: tuple[ApiClient, str]) -> None:
    client_row, key = api_client
    paid, late, cancelled, _ = placed(
        sale,
        key,
        *(Request(f"k-{n}", customer=f"c-{n}", lines={"TEE": n}) for n in (1, 2, 3, 4)),
    )
    pay(paid)
    cancel_order(cancelled.pk, client_id=client_row.pk)
    Order.objects.filter(pk=late.pk).update(hold_expires_at=F("accepted_at") - timedelta(hours=1))
    told = figures()
    assert told["shop_orders", "awaiting_payment"] == told["shop_holds",] == 2
    assert (told["shop_orders", "paid"], told["shop_orders", "cancelled"]) == (1, 1)
    assert sum(count for key, count in told.items() if key[0] == "shop_orders") == 4
    assert told["shop_holds_overdue",] == 1
    assert told["shop_hold_overdue_seconds",] >= 3600
    assert told["shop_ledger_units", "drop", "allocated"] == 60
    assert told["shop_ledger_units", "drop", "held"] == 2 + 4
    assert told["shop_ledger_units", "drop", "sold"] == 1
    assert told["shop_releases_pending", "drop"] == 1


def test_a_hold_that_is_not_over_is_not_overdue(sale: Sale, api_key: str) -> None:
    placed(sale, api_key, Request("k-1"))
    told = figures()
    assert (told["shop_holds",], told["shop_holds_overdue",]) == (1, 0)
    assert told["shop_hold_overdue_seconds",] == 0


def test_rejected_orders_are_counted_by_sale(
    sale: Sale, make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    make_sale("other", {"MUG": 5})
    persisted_order(sale, api_client[0], {"CAP": 11})  # of 10
    told = figures()
    assert told["shop_orders_rejected_total", "drop"] == 1
    assert told["shop_orders_rejected_total", "other"] == 0


def test_dead_letters_and_lost_orders_wait_for_a_person(
    sale: Sale, api_client: tuple[ApiClient, str]
) -> None:
    for number in range(2):
        dead_letter(sale, api_client[0], key=f"k-{number}")
    unreadable_dead_letter(sale)
    LostOrder.objects.create(order_id=UUID(int=7), sale=sale, client=api_client[0], confirmed=True)
    told = figures()
    assert told["shop_dead_letters", "refused", "drop"] == 2
    assert told["shop_dead_letters", "unreadable", "drop"] == 1
    assert told["shop_waiting_for_a_person", "dead letters"] == 3
    assert told["shop_waiting_for_a_person", "lost orders"] == 1


def test_deliveries_are_told_by_channel(sale: Sale, api_client: tuple[ApiClient, str]) -> None:
    webhook = Endpoint.objects.create(url="https://shop.example/hook", secret="whsec_x")
    Endpoint.objects.create(
        url="https://gone.example/hook", secret="whsec_x", active=False, disabled_reason="410"
    )
    for number in range(4):
        persisted_order(sale, api_client[0], key=f"k-{number}", email="ada@example.org")
    hooks = Delivery.objects.filter(endpoint=webhook).order_by("pk")
    hooks.filter(pk=hooks[0].pk).update(state=Delivery.State.DEAD)
    hooks.filter(pk=hooks[1].pk).update(
        created_at=F("created_at") - timedelta(hours=2), due_at=F("due_at") + timedelta(hours=1)
    )
    hooks.filter(pk=hooks[2].pk).update(due_at=F("due_at") - timedelta(minutes=5))
    sent_count.count("email", 3)
    told = figures()
    assert told["shop_deliveries_pending", "webhook"] == 3
    assert told["shop_deliveries_pending", "email"] == 4
    assert told["shop_deliveries_dead", "webhook"] == 1
    assert told["shop_waiting_for_a_person", "deliveries"] == 1
    assert 7200 <= told["shop_deliveries_oldest_seconds", "webhook"] < 7300
    assert 300 <= told["shop_deliveries_overdue_seconds", "webhook"] < 400
    assert (
        told["shop_deliveries_pending", "sms"] == told["shop_deliveries_oldest_seconds", "sms"] == 0
    )
    assert told["shop_deliveries_sent_total", "email"] == 3
    assert told["shop_deliveries_sent_total", "webhook"] == 0
    assert (told["shop_endpoints", "disabled"], told["shop_endpoints", "failing"]) == (1, 0)


def _rests(endpoint: Endpoint) -> None:
    endpoint.resume_at = clock.now() + timedelta(hours=1)


def _fails(endpoint: Endpoint) -> None:
    endpoint.failing_since = clock.now()


def _is_off(endpoint: Endpoint) -> None:
    endpoint.active = False


def _waits_for_its_client(endpoint: Endpoint) -> None:
    endpoint.client = ApiClient.objects.get()
    ApiClient.objects.update(active=False)


@pytest.mark.parametrize("why", [_rests, _fails, _is_off, _waits_for_its_client])
def test_what_an_endpoint_keeps_waiting_is_not_late(
    why: Callable[[Endpoint], None], sale: Sale, api_client: tuple[ApiClient, str]
) -> None:
    webhook = Endpoint.objects.create(url="https://shop.example/hook", secret="whsec_x")
    persisted_order(sale, api_client[0])
    Delivery.objects.filter(endpoint=webhook).update(due_at=F("due_at") - timedelta(minutes=5))
    assert figures()["shop_deliveries_overdue_seconds", "webhook"] >= 300
    assert lateness().deliveries >= 300
    why(webhook)
    webhook.save()
    assert figures()["shop_deliveries_overdue_seconds", "webhook"] == 0
    assert lateness().deliveries == 0


def test_celery_messages_are_counted_by_queue() -> None:
    queues = broker.client()
    queues.delete("persist", "notify", "unacked")
    queues.rpush("persist", b"{}", b"{}")
    queues.hset("unacked", "tag", b"[]")
    told = figures()
    queues.delete("persist", "unacked")
    assert (told["shop_queue_messages", "persist"], told["shop_queue_messages", "notify"]) == (2, 0)
    assert told["shop_queue_unacked_messages",] == 1


def test_hints_that_came_too_late_are_counted_by_task() -> None:
    import_module("shop.core.tasks.signals")  # as a worker does
    queues = broker.client()
    queues.delete(discarded.KEY)
    soaking = Discarded(settings.CELERY_BROKER_URL)
    for expired in (True, True, False):
        task_revoked.send(
            expire_unpaid_orders, request=None, terminated=False, signum=None, expired=expired
        )
    assert figures()["shop_hints_discarded_total", "orders.expire_holds"] == 0
    heartbeat_sent.send(None)
    heartbeat_sent.send(None)
    assert figures()["shop_hints_discarded_total", "orders.expire_holds"] == 2
    assert soaking.count() == 2
    queues.delete(discarded.KEY)  # as where the broker is started anew
    assert soaking.count() == 2


def test_both_redis_servers_and_postgresql_describe_themselves() -> None:
    told = figures()
    for server in ("stock", "broker"):
        assert told["shop_redis_memory_used_bytes", server] > 0
        assert told["shop_redis_aof_last_write_ok", server] == 1
        assert told["shop_redis_evicted_keys_total", server] == 0
        assert (
            told["shop_redis_connections", server] <= told["shop_redis_connections_limit", server]
        )
    mode = str(client().config_get("appendfsync")["appendfsync"])
    assert told["shop_redis_role", mode, "master", "stock"] == 1
    assert told["shop_redis_replicas_wanted",] == settings.REDIS_WAIT_REPLICAS
    assert told["shop_postgresql_connections_limit",] == int(setting("max_connections"))
    assert told["shop_postgresql_database_bytes",] > 1_000_000
    assert told["shop_postgresql_replicas",] == told["shop_postgresql_replica_lag_bytes",] == 0


def test_a_transaction_that_stays_open_is_told() -> None:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN; SELECT 1")
        told = figures()
        cursor.execute("ROLLBACK")
    assert told["shop_postgresql_oldest_transaction_seconds",] > 0
    assert told["shop_postgresql_connections",] >= 1


def test_above_a_bound_orders_are_estimated_and_never_all_read(
    sale: Sale, api_client: tuple[ApiClient, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        persisted_order(sale, api_client[0], key=f"k-{number}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orders_order")
    for module in ("postgresql", "orders"):
        monkeypatch.setattr(f"orders.metrics.{module}.COUNTED_EXACTLY", 10)
    assert COUNTED_EXACTLY > 10
    told = figures()
    assert told["shop_orders", "awaiting_payment"] == told["shop_holds",] == 12  # as analysed
    assert told["shop_orders", "paid"] == 0
    persisted_order(sale, api_client[0], key="k-12")
    assert failing(figures()) == set()


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])
