"""However much waits for the event loop, each of its turns does a little of it."""

import asyncio
from collections.abc import Callable

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from orders.intake.connection.places import FOLLOWING
from orders.intake.connection.protocol import BoundedProtocol
from shop.core.processes.loop_turns import Turns
from tests.unit.orders.intake.connection.wire import Wire

GET = b"GET /%d HTTP/1.1\r\nHost: shop\r\n\r\n"


def test_steps_are_done_in_turn_and_a_few_at_a_time() -> None:
    async def scenario() -> None:
        turns, done = Turns(3), list[int]()
        for n in range(8):
            turns.put(lambda n=n: done.append(n))  # type: ignore[misc]
        seen = []
        while len(done) < 8:
            await asyncio.sleep(0)
            seen.append(len(done))
        assert seen == [3, 6, 8]
        assert done == list(range(8))

    asyncio.run(scenario())


def test_a_step_that_fails_costs_itself() -> None:
    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        turns, done = Turns(2), list[int]()

        def fail() -> None:
            raise ValueError

        turns.put(fail)
        turns.put(lambda: done.append(1))
        turns.put(lambda: turns.put(lambda: done.append(2)))
        for _ in range(9):
            await asyncio.sleep(0)
        assert done == [1, 2]

    asyncio.run(scenario())


class Begun:
    """An application that notes in which turn of the loop each request began."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: dict[str, str], receive: object, send: object) -> None:
        self.paths.append(scope["path"])
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("crowd", "urgent"),
    [
        (lambda n: b"GET /page HTTP/1.1\r\nHost: shop\r\n\r\n", "/healthz"),
        (lambda n: b"GET /page?%d HTTP/1.1\r\nHost: shop\r\n\r\n" % n, "/readyz"),
    ],
)
def test_a_probe_waits_for_no_crowd(crowd: Callable[[int], bytes], urgent: str) -> None:
    async def scenario() -> None:
        application = Begun()
        connections = [Wire(application) for _ in range(200)]
        state = connections[0].protocol.server_state
        connections = [Wire(application, state) for _ in range(200)]
        for n, connection in enumerate(connections):
            connection.protocol.data_received(crowd(n))
        probe = Wire(application, state)
        probe.protocol.data_received(b"GET %b HTTP/1.1\r\nHost: shop\r\n\r\n" % urgent.encode())
        while urgent not in application.paths:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert len(application.paths) < 20

    asyncio.run(scenario())


def test_a_request_whose_client_has_left_before_its_turn_is_not_begun() -> None:
    async def scenario() -> None:
        application = Begun()
        connection = Wire(application)
        connection.protocol.data_received(GET % 1)
        connection.protocol.connection_lost(None)
        await connection.settle()
        assert application.paths == []

    asyncio.run(scenario())


def test_pipelines_of_many_connections_share_the_turns_of_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = 0
    take_head = BoundedProtocol._take_head

    def counted(protocol: BoundedProtocol, data: bytes, at: int, end: int) -> None:
        nonlocal begun
        begun += 1
        take_head(protocol, data, at, end)

    monkeypatch.setattr(BoundedProtocol, "_take_head", counted)
    # As orders are begun, which are answered without a task.
    monkeypatch.setattr(BoundedProtocol, "_start_asgi_task", HttpToolsProtocol._start_asgi_task)

    async def scenario() -> None:
        first = Wire()
        state = first.protocol.server_state
        for flood in [first, *(Wire(server_state=state) for _ in range(39))]:
            flood.protocol.data_received(b"".join(GET % n for n in range(500)))
        await first.settle()
        in_turns = []
        for _ in range(50):
            before = begun
            await asyncio.sleep(0)
            in_turns.append(begun - before)
        assert 0 < max(in_turns) <= FOLLOWING
        honest = Wire(server_state=state)
        honest.protocol.data_received(GET % 1)
        assert begun == before + in_turns[-1] + 1, "one that comes by itself waits for none"

    asyncio.run(scenario())
