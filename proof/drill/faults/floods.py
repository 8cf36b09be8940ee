"""Somebody takes connections that are not for ordering: the honest go on ordering."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from urllib.parse import urlsplit

from proof.drill.fault_context import Scene
from proof.drill.flood import SECONDS
from proof.drill.outcome import NotDone

LONGEST_SECONDS = SECONDS + 30.0


async def silent_connections(scene: Scene) -> None:
    """Open 11,000 connections that send nothing, for 8 s: more than web has places for."""
    await _flood(scene, "silent")


async def slow_heads(scene: Scene) -> None:
    """Send 1,000 heads a byte at a time, for 8 s."""
    await _flood(scene, "slow-heads")


async def pipelined_requests(scene: Scene) -> None:
    """Send 200 kB of requests without waiting for answers, on each of 40 connections, for 8 s."""
    await _flood(scene, "pipelined")


async def clients_that_never_read(scene: Scene) -> None:
    """Ask 100 times for as many large answers as there is room for, and read none, for 8 s."""
    await _flood(scene, "never-reading")


async def junk_keys(scene: Scene) -> None:
    """Order with API keys that do not exist, on 32 connections without pause, for 8 s."""
    await _flood(scene, "junk-keys")


async def unknown_slugs(scene: Scene) -> None:
    """Ask for sales that do not exist, on 600 connections without pause, for 8 s."""
    await _flood(scene, "unknown-slugs")


async def page_readers(scene: Scene) -> None:
    """Load the front page on 64 connections without pause, for 8 s."""
    await _flood(scene, "page-readers")


async def malformed_requests(scene: Scene) -> None:
    """Send what is no HTTP, on 32 connections at a time without pause, for 8 s."""
    await _flood(scene, "malformed")


async def _flood(scene: Scene, kind: str) -> None:
    command = [sys.executable, "-m", "proof.drill.flood", kind]
    port = str(urlsplit(scene.stack.web.url).port)
    program = await asyncio.create_subprocess_exec(*command, port, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            output, _ = await program.communicate()
    except TimeoutError:
        raise NotDone("the flood did not end") from None
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    told = output.decode().strip().rpartition("\n")[2]
    if program.returncode:
        raise NotDone(f"the flood failed: {told}")
    scene.notes.append(told)
