"""Who gets a place, who makes room, and who is late: with a clock that is set by hand."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from orders.intake.connection.places import CLOSING_SECONDS, RESERVE, Bounds, Places, Shelf


class Loop:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self._calls.append((self.now + seconds, call))

    def pass_by(self, seconds: float) -> None:
        until = self.now + seconds
        while due := sorted((each for each in self._calls if each[0] <= until), key=lambda e: e[0]):
            self._calls.remove(due[0])
            self.now = due[0][0]
            due[0][1]()
        self.now = until

    @property
    def is_quiet(self) -> bool:
        return not self._calls


class Client:
    """Takes down what is done to a connection."""

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.kept_bytes = 0
        self.told: list[str] = []

    def give_way(self) -> None:
        self.told.append("gave way")

    def end_quietly(self) -> None:
        self.told.append("ended")

    def head_is_late(self) -> None:
        self.told.append("head")

    def body_is_late(self) -> None:
        self.told.append("body")

    def is_not_read(self) -> None:
        self.told.append("unread")


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    """What was told to the figures."""
    told: list[dict[str, int]] = []
    fake = type("Intake", (), {"count_ended": lambda _, reasons: told.append(dict(reasons))})()
    monkeypatch.setattr("orders.intake.connection.ended.intake", lambda: fake)
    return told


def places(loop: Loop, **changes: Any) -> Places:
    bounds = {
        "connections": 3,
        "small_body_bytes": 16_384,
        "per_address": 0,
        "kept_bytes": 1000,
        "head_seconds": 10.0,
        "body_seconds": 10.0,
        "idle_seconds": 75.0,
        "unread_seconds": 10.0,
    } | changes
    return Places(cast(asyncio.AbstractEventLoop, loop), Bounds(**bounds))


def on(shelf: Shelf, loop: Loop, *clients: Client) -> None:
    for client in clients:
        shelf.put(client, loop.now)


@pytest.mark.parametrize(
    ("shelf", "seconds", "told"),
    [
        ("silent", 10, "ended"),
        ("head", 10, "head"),
        ("body", 10, "body"),
        ("idle", 75, "ended"),
        ("unread", 10, "unread"),
        ("closing", CLOSING_SECONDS, "unread"),
    ],
)
def test_each_is_told_when_it_is_late_and_not_before(
    loop: Loop, shelf: str, seconds: float, told: str
) -> None:
    room, client = places(loop), Client()
    room.take(client)
    on(getattr(room, shelf), loop, client)
    loop.pass_by(seconds - 0.1)
    assert client.told == []
    loop.pass_by(1.2)
    assert client.told == [told]


def test_what_comes_anew_is_waited_for_anew(loop: Loop) -> None:
    room, client = places(loop), Client()
    room.take(client)
    for _ in range(20):
        on(room.idle, loop, client)
        loop.pass_by(60)
    assert client.told == []


def test_the_clock_stands_still_when_nobody_is_there(loop: Loop) -> None:
    room, client = places(loop), Client()
    room.take(client)
    loop.pass_by(5)
    room.leave(client)
    loop.pass_by(5)
    assert loop.is_quiet
    room.take(client)
    assert not loop.is_quiet


def test_the_oldest_silent_one_makes_room_and_no_idle_one(loop: Loop) -> None:
    room = places(loop)
    idle, old, young, new = (Client() for _ in range(4))
    for client in (idle, old, young):
        assert room.take(client) is True
    on(room.idle, loop, idle)
    on(room.silent, loop, old)
    loop.pass_by(2)
    on(room.silent, loop, young)
    assert room.take(new) is True
    assert [each.told for each in (idle, old, young)] == [[], ["gave way"], []]
    assert room.taken == {idle, young, new}


def test_one_that_has_just_come_is_spared_while_another_is_idle(loop: Loop) -> None:
    room = places(loop, connections=2)
    idle, fresh = Client(), Client()
    room.take(idle)
    on(room.idle, loop, idle)
    loop.pass_by(2)
    room.take(fresh)
    on(room.head, loop, fresh)
    assert room.take(Client()) is True
    assert (idle.told, fresh.told) == (["gave way"], [])


def test_where_all_have_just_come_the_oldest_of_them_makes_room(loop: Loop) -> None:
    room = places(loop, connections=2)
    clients = [Client(), Client()]
    for client in clients:
        room.take(client)
        on(room.silent, loop, client)
    assert room.take(Client()) is True
    assert [each.told for each in clients] == [["gave way"], []]


def test_where_all_are_being_answered_there_is_a_reserve_and_then_nothing(loop: Loop) -> None:
    room = places(loop)
    for _ in range(3):
        assert room.take(Client()) is True
    for _ in range(RESERVE):
        assert room.take(Client()) is False
    assert room.take(Client()) is None
    assert len(room.taken) == 3 + RESERVE


def test_an_address_has_so_many_places_and_gets_them_back(loop: Loop) -> None:
    room = places(loop, connections=10, per_address=2)
    clients = [Client("192.0.2.1"), Client("192.0.2.1"), Client("192.0.2.2")]
    for client in clients:
        room.take(client)
    assert room.is_crowded("192.0.2.1")
    assert not room.is_crowded("192.0.2.2")
    assert not room.is_crowded("")
    room.leave(clients[0])
    room.leave(clients[0])  # it may be told more than once
    assert not room.is_crowded("192.0.2.1")


def test_what_is_kept_has_a_bound_and_the_oldest_unfinished_request_makes_room(loop: Loop) -> None:
    room = places(loop)
    old, young, new = (Client() for _ in range(3))
    for client in (old, young, new):
        room.take(client)
        on(room.body, loop, client)
    assert room.keep(old, 400)
    assert room.keep(young, 400)
    assert room.keep(new, 300)
    assert (old.told, young.told) == (["gave way"], [])
    assert room.kept_bytes == 700
    assert room.keep(new, 0)
    room.leave(young)
    assert room.kept_bytes == 0


def test_one_that_alone_keeps_too_much_is_told_so(loop: Loop) -> None:
    room, client = places(loop), Client()
    room.take(client)
    on(room.body, loop, client)
    assert not room.keep(client, 1001)


def test_a_flood_is_counted_whole_and_logged_once(
    loop: Loop, counted: list[dict[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    room = places(loop)
    room.take(Client())
    for _ in range(500):
        room.ended.note("malformed-request", "This is no HTTP request.")
        loop.pass_by(0.01)
    loop.pass_by(2)
    assert sum(each["malformed-request"] for each in counted) == 500
    assert len(caplog.messages) == 1
    loop.pass_by(20)
    assert len(caplog.messages) == 2
    told = "connections were ended: malformed-request "
    assert all(message.startswith(told) for message in caplog.messages)
