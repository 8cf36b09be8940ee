"""The pure rules of orders."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import domain

MS = 1_795_780_800_000
MAX_SALE_ID = (1 << 24) - 1


@given(st.integers(1, MAX_SALE_ID), st.integers(0, 2**48 - 1))
def test_an_order_id_is_a_uuid_version_8_that_names_its_sale(sale_id: int, now_ms: int) -> None:
    order_id = uuid.UUID(bytes=domain.new_order_id(sale_id, now_ms))
    assert (order_id.version, order_id.variant) == (8, uuid.RFC_4122)
    assert domain.sale_id_of(order_id) == sale_id
    assert order_id.int >> 80 == now_ms
    assert domain.format_order_id(order_id.bytes) == str(order_id)
    assert domain.parse_order_id(str(order_id)) == order_id


def test_order_ids_of_one_millisecond_differ_and_sort_by_time() -> None:
    ids = {domain.new_order_id(7, MS) for _ in range(1000)}
    assert len(ids) == 1000
    assert max(ids) < domain.new_order_id(7, MS + 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1",
        str(uuid.UUID(int=0)),
        "6f1c1e0e-3c5b-4d3a-9a53-0f6d1c3b2a10",
        "0" * 32,
        "{" + "0" * 36 + "}",
        "é",
    ],
)
def test_what_is_no_order_id_is_none(text: str) -> None:
    assert domain.parse_order_id(text) is None


def test_a_digest_keeps_clients_and_keys_apart() -> None:
    digests = {
        domain.request_digest(client, key) for client, key in [(1, "a"), (1, "b"), (11, "a")]
    }
    assert len(digests) == 3
    assert domain.request_digest(1, "1:a") != domain.request_digest(11, ":a")


def test_a_fingerprint_is_blind_to_key_order_only() -> None:
    one = domain.request_fingerprint({"a": 1, "b": [1, 2]})
    assert one == domain.request_fingerprint({"b": [1, 2], "a": 1})
    assert one != domain.request_fingerprint({"a": 1, "b": [2, 1]})


def test_drift_is_what_is_missing_from_the_allocation() -> None:
    whole = domain.SkuBalance("TEE", allocated=10, available=4, in_flight=1, held=3, sold=2)
    assert whole.drift == 0
    assert domain.SkuBalance("TEE", 10, available=5, in_flight=1, held=3, sold=2).drift == -1
