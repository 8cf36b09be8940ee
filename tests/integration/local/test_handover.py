"""A process that is to take over: it says that it is ready, or it is gone again."""

import asyncio
import socket
import sys
from pathlib import Path

from shop.local.processes.handover import take_over
from shop.local.processes.listener import listening
from shop.local.processes.service import Service
from shop.local.web import Web

from .conftest import gone

SAYS_READY = """
import os, signal, socket

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.sendto(b"STATUS=loaded\\nREADY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
"""


def try_to_take_over(
    command: list[str], *, patience: float = 30
) -> tuple[bool, Service, list[str]]:
    reports: list[str] = []
    service = Service("web", command)

    async def scenario() -> bool:
        return await take_over(service, report=reports.append, patience=patience)

    return asyncio.run(scenario()), service, reports


def test_a_process_that_says_it_is_ready_takes_over() -> None:
    ready, service, reports = try_to_take_over([sys.executable, "-c", SAYS_READY])
    try:
        assert (ready, service.running, reports) == (True, True, [])
    finally:
        service.stop()


def test_a_process_that_ends_instead_does_not() -> None:
    ready, service, reports = try_to_take_over(["sh", "-c", "exit 3"])
    assert (ready, service.running) == (False, False)
    assert reports == ["the new web ended with 3; the other one goes on"]


def test_a_process_that_is_never_ready_is_ended() -> None:
    ready, service, reports = try_to_take_over(["sleep", "600"], patience=0.1)
    assert not ready
    assert service.pid is not None
    assert gone(service.pid)
    assert reports == ["the new web was not ready within 0.1 s; the other one goes on"]


def test_a_program_that_is_not_there_does_not_disturb(tmp_path: Path) -> None:
    ready, _, reports = try_to_take_over([str(tmp_path / "missing")])
    assert not ready
    assert len(reports) == 1


def test_a_handover_that_is_cut_off_leaves_no_process() -> None:
    service = Service("web", ["sleep", "600"])

    async def scenario() -> None:
        handover = asyncio.create_task(take_over(service, report=print))
        while not service.running:  # noqa: ASYNC110 - nothing portable tells
            await asyncio.sleep(0.01)
        handover.cancel()
        await asyncio.wait([handover])

    asyncio.run(scenario())
    assert service.pid is not None
    assert gone(service.pid)


def test_a_connection_waits_for_whoever_serves_the_socket_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    with (
        listening(Web("127.0.0.1", port), variable="PORT") as listener,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        client.sendall(b"hello")
        server, _ = listener.accept()
        with server:
            assert server.recv(5) == b"hello"
