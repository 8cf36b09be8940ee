"""A few requests are worked on at once; who takes long keeps nobody out, and no wait is endless."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from shop.core import concurrency
from shop.core.concurrency import AtCapacity, ConcurrencyLimit


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_so_many_are_inside_and_the_next_comes_in_when_one_leaves() -> None:
    async def scenario() -> None:
        room, entered = ConcurrencyLimit(2), list[int]()

        async def visit(n: int) -> concurrency.Slot:
            place = await room.enter()
            entered.append(n)
            return place

        visits = [asyncio.create_task(visit(n)) for n in range(5)]
        await settle()
        assert entered == [0, 1]
        place = visits[0].result()
        place.leave()
        place.leave()  # again does nothing
        await settle()
        assert entered == [0, 1, 2]
        for n in (1, 2, 3):
            visits[n].result().leave()
            await settle()
        assert entered == [0, 1, 2, 3, 4]

    run(scenario())


def test_one_that_takes_long_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "TURN_SECONDS", 0.01)

    async def scenario() -> None:
        room = ConcurrencyLimit(1)
        long = await room.enter()
        second = await room.enter()
        long.leave()
        second.leave()
        for place in [await room.enter()]:
            place.leave()

    run(scenario())


def test_also_those_that_take_long_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "TURN_SECONDS", 0.001)
    monkeypatch.setattr(concurrency, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(concurrency, "MOST_INSIDE", 3)

    async def scenario() -> None:
        room = ConcurrencyLimit(1)
        places = [await room.enter() for _ in range(3)]
        with pytest.raises(AtCapacity):
            await room.enter()
        places[0].leave()
        (await room.enter()).leave()

    run(scenario())


def test_no_more_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "MOST_WAITING", 2)

    async def scenario() -> None:
        room = ConcurrencyLimit(1)
        place = await room.enter()
        waiting = [asyncio.create_task(room.enter()) for _ in range(2)]
        await settle()
        with pytest.raises(AtCapacity):
            await room.enter()
        place.leave()
        (await waiting[0]).leave()
        (await waiting[1]).leave()

    run(scenario())


def test_one_who_gives_up_outside_keeps_no_place() -> None:
    async def scenario() -> None:
        room = ConcurrencyLimit(1)
        place = await room.enter()
        gone, next_ = (asyncio.create_task(room.enter()) for _ in range(2))
        await settle()
        gone.cancel()
        place.leave()
        (await next_).leave()
        late = asyncio.create_task(room.enter())
        place = await late
        waiting = asyncio.create_task(room.enter())
        await settle()
        place.leave()  # and in the same turn of the loop, in which it was let in,
        waiting.cancel()
        await settle()
        (await room.enter()).leave()

    run(scenario())
