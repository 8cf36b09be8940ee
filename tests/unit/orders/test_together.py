"""Many who ask at once: one call for all that was asked since the last one began."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import pytest

from orders.http import gathered
from orders.http.gathered import Together

Numbers = Collection[int]


class Calls:
    """The calls that have begun, each with what was asked; a test ends them as it likes."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self._ends: list[asyncio.Future[None]] = []

    async def __call__(self, function: Callable[[Numbers], object], asked: Numbers) -> object:
        self.asked.append(list(asked))
        self._ends.append(asyncio.get_running_loop().create_future())
        await self._ends[-1]
        return function(asked)

    def end(self, number: int) -> None:
        self._ends[number].set_result(None)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(gathered, "in_thread", made)
    return made


def run(monkeypatch: pytest.MonkeyPatch, test: Callable[[], Awaitable[None]], long: float) -> None:
    monkeypatch.setattr(gathered, "LONG_SECONDS", long)

    async def within_seconds() -> None:
        async with asyncio.timeout(10):
            await test()

    asyncio.run(within_seconds())


async def turns(condition: Callable[[], bool]) -> None:
    """Let the event loop go on until `condition()`."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come about")


def squares(asked: Numbers) -> dict[int, int]:
    return {each: each * each for each in asked}


def test_all_that_is_asked_during_a_call_makes_up_the_next_one(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        square = Together(squares)
        first = asyncio.create_task(square(1))
        await turns(lambda: calls.asked == [[1]])
        others = [asyncio.create_task(square(n)) for n in (2, 3, 2)]
        await asyncio.sleep(0.01)
        assert calls.asked == [[1]]
        calls.end(0)
        await turns(lambda: len(calls.asked) == 2)
        calls.end(1)
        assert await asyncio.gather(first, *others) == [1, 4, 9, 4]
        assert calls.asked == [[1], [2, 3]]

    run(monkeypatch, ask, long=5)


def test_a_call_that_takes_long_keeps_nobody_waiting_and_a_third_never_begins(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        square = Together(squares)
        asking = [asyncio.create_task(square(1))]
        await turns(lambda: len(calls.asked) == 1)
        asking.append(asyncio.create_task(square(2)))  # asked before the first takes long
        await turns(lambda: len(calls.asked) == 2)
        asking.append(asyncio.create_task(square(3)))
        await asyncio.sleep(0.03)  # by now both take long
        assert calls.asked == [[1], [2]]
        calls.end(1)
        await turns(lambda: len(calls.asked) == 3)
        calls.end(2)
        calls.end(0)
        assert await asyncio.gather(*asking) == [1, 4, 9]

    run(monkeypatch, ask, long=0.005)


def test_after_a_long_call_one_is_made_at_a_time_again(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        square = Together(squares)
        first = asyncio.create_task(square(1))
        await turns(lambda: len(calls.asked) == 1)
        await asyncio.sleep(0.03)
        calls.end(0)
        assert await first == 1
        gathered.LONG_SECONDS = 5  # type: ignore[misc]
        asking = [asyncio.create_task(square(2))]
        await turns(lambda: len(calls.asked) == 2)
        asking.append(asyncio.create_task(square(3)))
        await asyncio.sleep(0.01)
        assert calls.asked == [[1], [2]]
        calls.end(1)
        await turns(lambda: len(calls.asked) == 3)
        calls.end(2)
        assert await asyncio.gather(*asking) == [4, 9]

    run(monkeypatch, ask, long=0.005)


def test_what_a_call_raises_is_raised_to_everybody_who_asked(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(asked: Numbers) -> dict[int, int]:
        raise ValueError("no")

    async def ask() -> None:
        square = Together(broken)
        asking = [asyncio.create_task(square(n)) for n in (1, 2)]
        await turns(lambda: len(calls.asked) == 1)
        calls.end(0)
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(each) for each in found] == [ValueError, ValueError]

    run(monkeypatch, ask, long=5)
