"""No malformed request makes the server lose count: the next is answered as itself, or none is."""

import random

import pytest

from . import wire
from .malformed import CASES, POST, SMUGGLED

HONEST = b"GET /honest HTTP/1.1\r\nHost: shop\r\nX-Request-ID: honest-1\r\n\r\n"


def splits(data: bytes) -> list[list[bytes]]:
    """The same bytes as one packet, in very small ones, and cut in two and in three at random."""
    small = 1 if len(data) < 2000 else 999
    cuts = sorted(random.Random(len(data)).sample(range(1, len(data)), 2))
    return [
        [data],
        [data[at : at + small] for at in range(0, len(data), small)],
        [data[: cuts[0]], data[cuts[0] :]],
        [data[: cuts[0]], data[cuts[0] : cuts[1]], data[cuts[1] :]],
    ]


def told(connection: wire.Wire) -> list[tuple[int, str]]:
    """The answers: status, and path or problem."""
    return [
        (each.status, each.body["path" if each.status == 200 else "type"])
        for each in connection.answers()
        if each.status != 100
    ]


def test_there_are_enough_of_them() -> None:
    assert len(CASES) > 150


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_ends_and_what_is_taken_is_followed_by_the_next(name: str) -> None:
    status, request = CASES[name]
    outcomes = []
    for parts in splits(request + HONEST):
        connection = wire.exchange(parts)
        outcomes.append(told(connection))
        if status == 200:
            assert outcomes[-1][0][0] == 200, outcomes[-1]
            assert outcomes[-1][1:] == [(200, "/honest")]
            assert not connection.has_ended
        else:
            assert [status for status, _ in outcomes[-1]] == [status]
            last = connection.answers()[-1]
            assert last.closes
            assert last.headers["content-type"] == "application/problem+json"
            assert last.headers["x-request-id"]
            assert last.body["status"] == status
            assert connection.has_ended
        assert "/smuggled" not in dict(outcomes[-1]).values()
    assert outcomes.count(outcomes[0]) == len(outcomes), outcomes


def test_a_body_behind_an_upgrade_is_a_body_wherever_it_is_cut() -> None:
    head = POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n"
    request = head % len(SMUGGLED) + SMUGGLED
    for cut in range(1, len(request)):
        connection = wire.exchange([request[:cut], request[cut:] + HONEST])
        assert told(connection) == [(200, "/odd"), (200, "/honest")]
        assert connection.answers()[0].body["body"] == SMUGGLED.decode()


def test_a_chunked_request_is_the_same_wherever_it_is_cut() -> None:
    _, request = CASES["trailers"]
    for cut in range(1, len(request)):
        connection = wire.exchange([request[:cut], request[cut:] + HONEST])
        assert told(connection) == [(200, "/odd"), (200, "/honest")]
        first = connection.answers()[0].body
        assert first["body"] == "abcde"
        assert "authorization" not in first["headers"]
