"""The word to the service manager: as sd_notify(3) has it, and never a reason to fail."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shop.core.processes.readiness import READY, STOPPING, announced, notify
from shop.local.processes.readiness import Readiness, readiness


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Readiness]:
    with readiness() as listening:
        for name, value in listening.env.items():
            monkeypatch.setenv(name, value)
        yield listening


def test_a_manager_that_asks_for_it_is_told(manager: Readiness) -> None:
    assert not manager.said()
    notify(READY)
    assert manager.said()
    assert not manager.said()


def test_other_news_are_not_taken_for_readiness(manager: Readiness) -> None:
    notify(STOPPING)
    notify("STATUS=READY=1 soon")
    assert not manager.said()
    assert not manager.said()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract addresses")
def test_an_abstract_address_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox:
        inbox.bind("")  # the kernel chooses an abstract address
        name = inbox.getsockname()
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name[1:].decode()}")
        notify(READY)
        assert inbox.recv(100) == b"READY=1"


@pytest.mark.parametrize("socket_name", ["", "nobody-listens"])
def test_nobody_to_tell_is_no_error(
    socket_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", socket_name and str(tmp_path / socket_name))
    notify(READY)


def test_an_application_says_when_its_lifespan_begins(manager: Readiness) -> None:
    sent: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start"})
        assert not manager.said()
        await send({"type": "lifespan.startup.complete"})
        assert manager.said()

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(announced(application)({"type": "lifespan"}, send, send))
    assert sent == ["http.response.start", "lifespan.startup.complete"]
