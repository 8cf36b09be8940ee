"""What one connection may send, in which order it is answered, and how it ends."""

import asyncio
from typing import Any

import pytest

from orders.intake.connection import rules

from .wire import Wire, echo, exchange

GET = b"GET /%d HTTP/1.1\r\nHost: shop\r\n\r\n"
HEAD_OF_POST = b"POST /post HTTP/1.1\r\nHost: shop\r\n"


class Gate:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        await self.open.wait()
        await echo(scope, receive, send)


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_requests_sent_at_once_are_answered_in_turn() -> None:
    connection = exchange([b"".join(GET % n for n in range(40))])
    assert [each.body["path"] for each in connection.answers()] == [f"/{n}" for n in range(40)]


def test_while_one_is_under_way_no_other_is_looked_at_and_nothing_more_is_read() -> None:
    async def scenario() -> None:
        gate = Gate()
        connection = Wire(gate)
        await connection.send(b"".join(GET % n for n in range(1000)))
        assert gate.asked == 1
        assert not connection.transport.is_reading
        assert connection.protocol.kept_bytes > 0
        gate.open.set()
        while len(connection.answers()) < 1000:
            await connection.settle()
        assert connection.transport.is_reading
        assert connection.protocol.kept_bytes == 0

    run(scenario)


def test_others_have_their_turn_after_each_request() -> None:
    async def scenario() -> None:
        flood, other = Wire(), Wire()
        flood.protocol.data_received(b"".join(GET % n for n in range(5000)))
        other.protocol.data_received(GET % 1)
        while not other.answers():  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert len(flood.answers()) < 10

    run(scenario)


def test_a_head_that_never_ends_is_refused_at_its_bound_and_not_kept() -> None:
    parts = [b"GET / HTTP/1.1\r\nHost: shop\r\n", *[b"X: " + b"y" * 997] * 200]
    connection = exchange(parts)
    assert [each.status for each in connection.answers()] == [431]
    assert connection.protocol.kept_bytes == 0
    assert connection.has_ended


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\n\r", b"\r\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_line_that_ends_otherwise_is_refused_before_the_head_is_whole(
    end: bytes, size: int
) -> None:
    head = b"GET / HTTP/1.1\r\nHost: shop" + end + b"X: y" + end + end
    connection = exchange([head[at : at + size] for at in range(0, len(head), size)])
    assert [each.status for each in connection.answers()] == [400]
    assert connection.has_ended


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_a_url_that_never_ends_is_refused_at_its_bound(size: int) -> None:
    connection = exchange([b"GET /", *[b"y" * size] * (12_000 // size)])
    assert [each.status for each in connection.answers()] == [414]


@pytest.mark.parametrize(("size", "status"), [(8192, 200), (8193, 414)])
def test_the_bound_of_a_url_is_exact(size: int, status: int) -> None:
    target = b"/" + b"y" * (size - 1)
    connection = exchange([b"GET " + target + b" HTTP/1.1\r\nHost: shop\r\n\r\n"])
    assert connection.answers()[0].status == status


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("step", [70_000, 4000])
def test_the_bound_of_a_head_is_exact(over: int, step: int) -> None:
    head = b"GET / HTTP/1.1\r\nHost: shop\r\nX: "
    head += b"y" * (rules.MAX_HEAD_BYTES - len(head) - 4 + over) + b"\r\n\r\n"
    connection = exchange([head[at : at + step] for at in range(0, len(head), step)])
    assert connection.answers()[0].status == (431 if over else 200)


@pytest.mark.parametrize("trailers", [b"X: y\r\n" * 101, b"X: " + b"y" * 66_000 + b"\r\n"])
def test_trailers_have_the_bounds_of_a_head(trailers: bytes) -> None:
    head = HEAD_OF_POST + b"Transfer-Encoding: chunked\r\n\r\n"
    connection = exchange([head, b"0\r\n", trailers, b"\r\n"])
    assert [each.status for each in connection.answers()] == [431]


def test_trailers_are_no_headers() -> None:
    head = HEAD_OF_POST + b"Transfer-Encoding: chunked\r\n\r\n"
    connection = exchange([head, b"1\r\na\r\n0\r\nAuthorization: Bearer t\r\n\r\n"])
    assert connection.answers()[0].body["headers"] == ["host", "transfer-encoding"]


def test_a_body_of_tiny_chunks_is_taken_apart_bit_by_bit() -> None:
    async def scenario() -> None:
        connection, other = Wire(), Wire()
        head = HEAD_OF_POST + b"Transfer-Encoding: chunked\r\n\r\n"
        await connection.send(head)
        connection.protocol.data_received(b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n")
        other.protocol.data_received(GET % 1)
        assert not connection.answers()
        await connection.settle()
        assert other.answers()
        assert len(connection.answers()[0].body["body"]) == 40_000

    run(scenario)


@pytest.mark.parametrize("over", [0, 1])
def test_a_body_in_chunks_is_refused_when_it_is_too_large(over: int) -> None:
    size = 2 * 1024 * 1024 + over
    chunks = [b"%x\r\n%b\r\n" % (65_536, b"y" * 65_536)] * (size // 65_536)
    last = b"%x\r\n%b\r\n0\r\n\r\n" % (over, b"y") if over else b"0\r\n\r\n"
    connection = exchange([HEAD_OF_POST + b"Transfer-Encoding: chunked\r\n\r\n", *chunks, last])
    assert [each.status for each in connection.answers()] == [413 if over else 200]


def test_a_body_is_refused_by_its_head() -> None:
    connection = exchange([HEAD_OF_POST + b"Content-Length: 2097153\r\n\r\n"])
    assert [(each.status, each.closes) for each in connection.answers()] == [(413, True)]
    assert connection.has_ended


def test_a_url_with_a_host_stands_for_the_header() -> None:
    connection = exchange([b"GET http://there:1/path?q HTTP/1.1\r\nHost: here\r\n\r\n"])
    told = connection.answers()[0].body
    assert (told["path"], told["host"]) == ("/path", "there:1")


def test_a_head_request_that_is_refused_has_no_body() -> None:
    connection = exchange([b"HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"])
    [answer] = connection.answers(head_only=True)
    assert answer.status == 400


def test_a_refusal_names_the_request_as_the_client_did() -> None:
    connection = exchange([b"GET / HTTP/1.1\r\nX-Request-ID: mine-7\r\nBad Field: a\r\n\r\n"])
    assert connection.answers()[0].headers["x-request-id"] == "mine-7"


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_only_http_1_1_is_told_to_go_on(version: bytes) -> None:
    async def scenario() -> None:
        connection = Wire()
        head = b"POST /post HTTP/%b\r\nHost: shop\r\nContent-Length: 3\r\n" % version
        await connection.send(head + b"Expect: 100-Continue\r\n\r\n")
        assert [each.status for each in connection.answers()] == [100] * (version == b"1.1")
        await connection.send(b"abc")
        assert connection.answers()[-1].status == 200

    run(scenario)


def test_after_a_last_request_nothing_more_is_answered() -> None:
    last = b"GET /last HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
    connection = exchange([last + GET % 2, GET % 3])
    assert [each.body["path"] for each in connection.answers()] == ["/last"]
    assert connection.has_ended


def test_a_client_that_closed_its_side_is_answered_all_that_it_asked() -> None:
    async def scenario() -> None:
        gate = Gate()
        connection = Wire(gate)
        await connection.send(GET % 1 + GET % 2)
        assert connection.protocol.eof_received()
        gate.open.set()
        await connection.settle()
        assert [each.body["path"] for each in connection.answers()] == ["/1", "/2"]
        assert connection.transport.closed

    run(scenario)


@pytest.mark.parametrize("sent", [b"", GET[:9], HEAD_OF_POST + b"Content-Length: 9\r\n\r\nabc"])
def test_a_client_that_closed_its_side_too_early_is_not_waited_for(sent: bytes) -> None:
    async def scenario() -> None:
        connection = Wire()
        if sent:
            await connection.send(sent)
        assert not connection.protocol.eof_received()

    run(scenario)


def test_what_a_refused_client_goes_on_sending_is_dropped_and_not_without_end() -> None:
    async def scenario() -> None:
        connection = Wire()
        await connection.send(b"\0\0\0\0")
        assert connection.transport.sent_eof  # the client can read the answer
        assert not connection.transport.closed
        for _ in range(5):
            await connection.send(b"y" * 1_000_000)
        assert connection.transport.closed

    run(scenario)


def test_an_answer_before_the_body_was_read_is_the_last_one() -> None:
    async def hasty(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    request = HEAD_OF_POST + b"Content-Length: 30\r\n\r\n"
    connection = exchange([request + b"abc", b"GET /smuggled HTTP/1.1\r\n\r\n"], hasty)
    assert [(each.status, each.closes) for each in connection.answers()] == [(401, True)]
    whole = exchange([request + b"a" * 30 + GET % 2], hasty)
    assert [(each.status, each.closes) for each in whole.answers()] == [(401, False)] * 2


def test_a_client_that_does_not_read_is_asked_to_before_the_next_request() -> None:
    async def scenario() -> None:
        asked = 0

        async def brief(scope: Any, receive: Any, send: Any) -> None:
            nonlocal asked
            asked += 1
            headers = [(b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            if asked == 1:
                connection.transport.is_deaf = True
            await send({"type": "http.response.body", "body": b""})

        connection = Wire(brief)
        protocol = connection.protocol
        await connection.send(GET % 1 + GET % 2)
        assert asked == 1
        assert protocol in protocol.places.unread.since
        connection.transport.is_deaf = False
        connection.transport.unsent = 0
        protocol.resume_writing()
        await connection.settle()
        assert asked == 2
        assert protocol not in protocol.places.unread.since

    run(scenario)


def test_a_client_that_reads_slowly_has_time_and_one_that_does_not_has_none() -> None:
    async def scenario() -> None:
        connection = Wire()
        protocol = connection.protocol
        connection.transport.unsent = 100_000
        protocol.pause_writing()
        connection.transport.unsent = 50_000
        protocol.is_not_read()
        assert not connection.transport.closed
        connection.transport.unsent = 49_000
        protocol.is_not_read()
        assert connection.transport.closed

    run(scenario)
