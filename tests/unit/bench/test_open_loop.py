"""The open loop: when requests are due, what is sent, and what its latencies count from."""

import asyncio
import json
import uuid
from pathlib import Path
from random import Random

import pytest

from bench.load.arrivals import OpenLoop
from bench.load.connection import answer_length
from bench.load.orders import Orders, order_body
from bench.load.requests import Requests, due_times
from bench.seed import seeded_id
from orders.domain import sale_id_of

STANDSTILL_SECONDS = 0.5
ANSWER = b'HTTP/1.1 202 Accepted\r\nContent-Length: 15\r\n\r\n{"id": "00-ff"}'


def test_even_arrivals_are_as_far_apart_as_the_rate_says() -> None:
    assert [*due_times(4, 1.1, None)] == [0.25, 0.5, 0.75, 1.0]


def test_poisson_arrivals_are_as_many_as_the_rate_says_and_never_go_back() -> None:
    due = [*due_times(1000, 20, Random(1))]
    assert due == sorted(due)
    assert 19_000 < len(due) < 21_000  # 20,000 ± 7 standard deviations


def test_each_request_has_a_key_and_a_customer_of_its_own_and_says_its_length() -> None:
    bodies = [order_body("spring", ["TEE"]), order_body("autumn", ["TEE", "CAP"])]
    requests = Requests("http://127.0.0.1:8000/api/v1/orders", "KEY", "run-", bodies)
    sent = [requests[number] for number in (0, 1, 2)]
    for number, request in enumerate(sent):
        head, _, body = request.decode().partition("\r\n\r\n")
        assert head.startswith("POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
        assert f"Idempotency-Key: run-{number:08}" in head
        assert f"Content-Length: {len(body)}" in head
        assert json.loads(body)["customer"] == f"customer-{number:08}"
    assert [json.loads(request.partition(b"\r\n\r\n")[2])["sale"] for request in sent] == [
        *("spring", "autumn", "spring")
    ]


@pytest.mark.parametrize("cut", range(len(ANSWER)))
def test_an_answer_that_comes_in_pieces_is_not_taken_for_a_whole_one(cut: int) -> None:
    length = answer_length(ANSWER[:cut])
    assert length is None or length == len(ANSWER) > cut


async def stand_still_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests, the first one late."""
    pause = STANDSTILL_SECONDS
    while head := await reader.read(65_536):
        for _ in range(head.count(b"POST ")):
            await asyncio.sleep(pause)
            pause = 0
            writer.write(ANSWER)
    writer.close()


def test_a_server_that_stands_still_is_charged_for_all_that_it_kept_waiting(
    tmp_path: Path,
) -> None:
    async def offer() -> None:
        server = await asyncio.start_server(stand_still_once, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            ids: list[str] = []
            loop = OpenLoop(tmp_path, rate=32, seconds=0.25, even=True)
            arrivals = await loop.place(
                f"http://127.0.0.1:{port}",
                Orders("KEY", [order_body("spring", ["TEE"])]),
                tell_every=2,
                told=ids.append,
            )
        assert arrivals.due == arrivals.accepted == 7
        assert arrivals.failed == arrivals.dropped == arrivals.broken == 0
        # Each on a connection of its own, so each meets the standstill: none is left out.
        assert arrivals.p50 >= STANDSTILL_SECONDS * 1000
        assert ids == ["00-ff"] * 3

    asyncio.run(offer())


def test_seeded_ids_are_order_ids_of_their_sale() -> None:
    first, later = (seeded_id(70_001, 1_700_000_000_000, number) for number in (1, 250_000))
    assert sale_id_of(first) == sale_id_of(later) == 70_001
    assert first < later
    assert isinstance(first, uuid.UUID)
