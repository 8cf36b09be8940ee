"""The benchmark's peers take the product's orders: each that can run here, for real."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from bench.contestant import Contestant, Running, Servers
from bench.peers import PEERS
from bench.peers.bare.contestant import Bare
from bench.peers.commands import run_command
from bench.peers.django_rest.contestant import DjangoRest
from bench.peers.go.contestant import Go
from bench.peers.serving import missing_packages, own_web, serving, until_answered
from proof.waiting import until
from shop.local.errors import ServerFailed

SELLING = [peer for peer in PEERS if peer.name != "bare"]
PATIENCE_SECONDS = 20.0
ORDER = {"sale": "drop", "customer": "ada", "lines": [{"sku": "TEE", "quantity": 1}]}


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    return Servers(os.environ["REDIS_URL"], os.environ["DATABASE_URL"], tmp_path)


def skip_if_missing(peer: Contestant) -> None:
    if reason := peer.missing():
        pytest.skip(f"{peer.name} {reason}")


def client_of(running: Running) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {running.api_key}"}
    return httpx2.AsyncClient(base_url=running.url, headers=headers, timeout=10, trust_env=False)


async def place(client: httpx2.AsyncClient, key: str, **changes: Any) -> httpx2.Response:
    headers = {"Idempotency-Key": key}
    return await client.post("/api/v1/orders", json={**ORDER, **changes}, headers=headers)


async def is_persisted(running: Running, orders: int | None) -> bool:
    async def is_so() -> bool:
        return await running.persisted("drop") == orders

    return await until(is_so, seconds=PATIENCE_SECONDS)


def family(running: Running) -> list[psutil.Process]:
    heads = [psutil.Process(pid) for pid in running.pids().values()]
    return [process for head in heads for process in (head, *head.children(recursive=True))]


def is_alive(process: psutil.Process) -> bool:
    try:
        # In a container it may be nobody who reaps an orphan.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("peer", SELLING, ids=lambda peer: peer.name)
def test_a_peer_sells_what_there_is_once_and_leaves_no_process(
    peer: Contestant, processes: int, servers: Servers
) -> None:
    skip_if_missing(peer)

    async def sell_out() -> list[psutil.Process]:
        async with peer.running(servers, processes=processes) as running:
            await running.offer("drop", "TEE", 5)
            async with client_of(running) as client:
                replies = [await place(client, f"k-{n}") for n in range(6)]
                assert [reply.status_code for reply in replies] == [202] * 5 + [409]
                assert replies[0].json()["status"] == "accepted"
                assert replies[5].json() == {"type": "sold-out"}
                assert len({reply.json()["id"] for reply in replies[:5]}) == 5
                again = [await place(client, f"k-{n}") for n in (0, 5)]
                assert [reply.json() for reply in again] == [replies[0].json(), replies[5].json()]
            assert await running.accepted("drop") == 5
            expected = None if await running.persisted("drop") is None else 5
            assert await is_persisted(running, expected)
            return family(running)

    seen = asyncio.run(sell_out())
    assert seen
    assert not any(map(is_alive, seen))


@pytest.mark.parametrize("peer", SELLING, ids=lambda peer: peer.name)
def test_a_peer_checks_the_key_and_every_line_of_an_order(
    peer: Contestant, servers: Servers
) -> None:
    skip_if_missing(peer)

    async def ask() -> tuple[list[int], int]:
        async with peer.running(servers) as running:
            await running.offer("drop", "TEE", 5)
            async with client_of(running) as client:
                replies = [
                    await place(client, "none-of-it", lines=[line("TEE", 1), line("CAP", 1)]),
                    await place(client, "too-many", lines=[line("TEE", 3), line("TEE", 3)]),
                    await place(client, "nothing", lines=[]),
                    await place(client, "whole", lines=[line("TEE", 5)]),
                ]
                client.headers["Authorization"] = "Bearer wrong"
                replies.append(await place(client, "stranger"))
            statuses = [reply.status_code for reply in replies]
            return statuses, await running.accepted("drop")

    statuses, accepted = asyncio.run(ask())
    assert statuses[2] in {400, 422}
    assert (statuses[:2], statuses[3:], accepted) == ([409, 409], [202, 401], 1)


def line(sku: str, quantity: int) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity}


def test_paused_workers_persist_nothing_until_they_are_resumed(servers: Servers) -> None:
    peer = DjangoRest()
    skip_if_missing(peer)

    async def pause_and_resume() -> None:
        async with peer.running(servers) as running:
            await running.offer("drop", "TEE", 5)
            await running.pause_workers()
            worker = psutil.Process(running.pids()["worker"])
            frozen = [worker, *worker.children(recursive=True)]
            assert {process.status() for process in frozen} == {psutil.STATUS_STOPPED}
            async with client_of(running) as client:
                assert (await place(client, "k-1")).status_code == 202
            assert await running.persisted("drop") == 0
            await running.resume_workers()
            assert await is_persisted(running, 1)
            await running.pause_workers()  # and so it is left

    asyncio.run(pause_and_resume())


@pytest.mark.parametrize("processes", [1, 2])
def test_the_limit_answers_200_bytes_and_counts_its_answers(
    processes: int, servers: Servers
) -> None:
    async def ask() -> list[psutil.Process]:
        async with Bare().running(servers, processes=processes) as running:
            async with client_of(running) as client:
                await place(client, "before the offer")
                await running.offer("drop", "TEE", 5)
                replies = [await place(client, f"k-{n}") for n in range(6)]
            assert {(reply.status_code, len(reply.content)) for reply in replies} == {(202, 200)}
            assert replies[0].json()["status"] == "accepted"
            assert (await running.accepted("drop"), await running.persisted("drop")) == (6, None)
            return family(running)

    assert not any(map(is_alive, asyncio.run(ask())))


def test_a_process_that_ends_during_the_start_is_a_failed_start(servers: Servers) -> None:
    command = [sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"]

    async def start() -> None:
        web = own_web(servers, "broken")
        async with serving(
            {"web": command}, name="broken", state=servers.state, env={}
        ) as services:
            await until_answered(web, services["web"])

    with pytest.raises(ServerFailed, match="ended with 3; its last lines:\n    no such luck"):
        asyncio.run(start())


def test_a_command_that_fails_or_takes_too_long_is_a_failed_start(tmp_path: Path) -> None:
    def run(code: str, seconds: float) -> None:
        command = (sys.executable, "-c", code)
        asyncio.run(run_command("it", *command, cwd=tmp_path, env={}, seconds=seconds))

    with pytest.raises(ServerFailed, match="it ended with 1; its last lines:\n    no such luck"):
        run("raise SystemExit('no such luck')", 30)
    with pytest.raises(ServerFailed, match=r"it took more than 0\.1 s"):
        run("import time; time.sleep(60)", 0.1)


def test_a_peer_says_what_it_would_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "golang-go" in (Go().missing() or "")
    assert missing_packages(asyncio="asyncio") is None
    assert missing_packages(asyncio="asyncio", no_such_module="Some Framework") == (
        "needs Some Framework: make bench installs it"
    )
