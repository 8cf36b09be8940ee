"""Records in the outbox outlive a deployment: the old read the new, and the new read the old."""

from typing import Any

import msgspec

from orders.domain import OrderRecord, decode_record, earlier_metadata, encode_record

OLD: list[Any] = [
    *(b"o" * 16, 1, 2, "drop", "k-1", b"f" * 16, "ada", "", "EUR"),
    *([[3, "TEE", 1, 1250]], {"basket": "b-1"}, "r-1"),
]
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


class OldRecord(msgspec.Struct, array_like=True):
    """An order's record as it was before it had a trace."""

    order_id: bytes
    client_id: int
    sale_id: int
    sale: str
    request_key: str
    fingerprint: bytes
    customer: str
    email: str
    currency: str
    lines: list[Any]
    metadata: dict[str, Any]
    http_request_id: str


def test_a_record_of_yesterday_has_no_trace() -> None:
    record = decode_record(msgspec.msgpack.encode(OLD))
    assert record.http_request_id == "r-1"
    assert record.traceparent == ""


def test_a_worker_of_yesterday_reads_a_record_of_today() -> None:
    record = msgspec.msgpack.decode(msgspec.msgpack.encode(OLD), type=OrderRecord)
    today = encode_record(msgspec.structs.replace(record, traceparent=TRACEPARENT))
    old = msgspec.msgpack.decode(today, type=OldRecord)
    assert (old.order_id, old.http_request_id) == (b"o" * 16, "r-1")
    assert decode_record(today).traceparent == TRACEPARENT


def test_metadata_of_yesterday_is_read_and_of_today_is_readable_yesterday() -> None:
    record = decode_record(msgspec.msgpack.encode(OLD))
    assert record.metadata_as_given == '{"basket":"b-1"}'
    for given in ('{ "basket" : 1e22 }', '{"basket": 1e22, "more": 1e400}'):
        today = encode_record(
            msgspec.structs.replace(record, metadata=earlier_metadata(given), metadata_text=given)
        )
        assert decode_record(today).metadata_as_given == given
        assert msgspec.msgpack.decode(today, type=OldRecord).metadata in ({"basket": 1e22}, {})
