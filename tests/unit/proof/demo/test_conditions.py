"""What has to come true before a demo sale is judged, and waiting for it."""

import asyncio
from typing import Any

import pytest

from proof.demo.conditions import is_balanced
from proof.waiting import running_beside, until

TEE = {"sku": "TEE", "allocated": 5, "available": 2, "held": 1, "sold": 2}


@pytest.mark.parametrize(
    ("change", "balanced"),
    [({}, True), ({"held": 0}, False), ({"available": 1}, False), ({"sold": 3}, False)],
)
def test_a_sale_is_balanced_where_every_unit_is_somewhere(
    change: dict[str, int], balanced: bool
) -> None:
    sale: dict[str, Any] = {"skus": [TEE, {**TEE, "sku": "CAP", **change}]}
    assert is_balanced(sale) is balanced


def test_waiting_ends_as_soon_as_the_condition_holds_or_time_is_over() -> None:
    asked = []

    async def third_time() -> bool:
        asked.append(None)
        return len(asked) == 3

    async def never() -> bool:
        return False

    assert asyncio.run(until(third_time, seconds=20, every=0))
    assert len(asked) == 3
    assert not asyncio.run(until(never, seconds=0, every=0))


def test_work_beside_a_block_ends_with_it_and_its_error_is_raised() -> None:
    ended = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def broken() -> None:
        raise ValueError("it")

    async def run() -> None:
        async with running_beside(endless()):
            await asyncio.sleep(0)
        assert ended == [True]
        with pytest.raises(ValueError, match="it"):
            async with running_beside(broken()) as work:
                await asyncio.wait([work])  # type: ignore[type-var]

    asyncio.run(run())
