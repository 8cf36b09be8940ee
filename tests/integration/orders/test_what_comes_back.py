"""What a client gives comes back as it was, wherever the order is shown."""

import json
from uuid import UUID

import pytest

from inventory import outbox
from inventory.models import Sale
from orders.errors import Unpersistable
from orders.http.representation import encode_order
from orders.models import ApiClient, OrderEvent
from orders.notifications.event_payload import read_payloads
from orders.notifications.webhook.message import encode_message
from orders.reads.selectors import find_order
from orders.reconciliation.rebuild import rebuild_stock
from orders.services.dead_letters import keep
from tests.conftest import MakeSale
from tests.persisting import persist
from tests.placing import headers, place_raw

pytestmark = pytest.mark.django_db(transaction=True)

SAMPLES = {
    "a mail address": b'"email":"Ada.Lovelace+shop@Example.COM"',
    "a mail address beyond ASCII": '"email":"ada@BÜCHER.example"'.encode(),
    "numbers as they are written": (
        b'"metadata":{"a":[1e307,1E+22,-0.0,0.10,1.0,1,123456789012345678901234567890]}'
    ),
    "numbers beyond any": b'"metadata":{"a":-1e400,"b":1e-400}',
    "spaces and the order of names": b'"metadata":{ "b" : 1,\n"a":\t[ ] }',
    "characters as they are spelled": rb'"metadata":{"\u00fc/\/":"\ud83d\ude00 \u2028 \t"}',
    "characters beyond ASCII": '"metadata":{"ü":"u\u0308 😀 \u202e"}'.encode(),
    "as much as there may be": b'"metadata":{"a":"%b"}' % (b"x" * 2040),
    "as deep as it goes": b'"metadata":{"a":' + b"[" * 15 + b"1" + b"]" * 15 + b"}",
    "no mail address": b'"email":null',
}


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


def body_with(member: bytes) -> bytes:
    return b'{"sale": "drop", "customer": "ada", "lines": [{"sku": "TEE", "quantity": 1}], %b}' % (
        member
    )


def shown(order_id: UUID, client: ApiClient) -> bytes:
    view = find_order(order_id, client_id=client.pk)
    assert view is not None
    return encode_order(view)


@pytest.mark.parametrize("sample", SAMPLES)
def test_it_comes_back_in_every_answer_and_event(
    sample: str, sale: Sale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    member = SAMPLES[sample]
    accepted = place_raw(headers(key, "k-1"), body_with(member))
    assert accepted.status == 202
    order_id = UUID(json.loads(accepted.body)["id"])
    waiting = shown(order_id, client)
    (entry,) = outbox.find_all([(sale.pk, order_id.bytes)]).values()
    keep(sale.pk, entry, Unpersistable("test", "kept for a look"))
    persist(sale)
    persisted = shown(order_id, client)
    replayed = place_raw(headers(key, "k-1"), body_with(member))
    rebuild_stock(sale.pk)
    rebuilt = place_raw(headers(key, "k-1"), body_with(member))
    (notice,) = read_payloads(OrderEvent.objects.values_list("pk", flat=True)).values()
    for surface in (
        accepted.body,
        waiting,
        persisted,
        replayed.body,
        rebuilt.body,
        encode_message(notice),
    ):
        assert member in surface
