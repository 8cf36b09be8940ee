"""Floods of connections that place no orders: honest clients go on ordering."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from urllib.parse import urlsplit

from proof.drill.fault_context import FaultContext
from proof.drill.flood import SECONDS
from proof.drill.outcome import NotDone

LONGEST_SECONDS = SECONDS + 30.0


async def silent_connections(context: FaultContext) -> None:
    """Open 11,000 connections that send nothing, for 8 s: more than web has places for."""
    await _flood(context, "silent")


async def slow_heads(context: FaultContext) -> None:
    """Send 1,000 heads a byte at a time, for 8 s."""
    await _flood(context, "slow-heads")


async def pipelined_requests(context: FaultContext) -> None:
    """Send 200 kB of requests without waiting for answers, on each of 40 connections, for 8 s."""
    await _flood(context, "pipelined")


async def clients_that_never_read(context: FaultContext) -> None:
    """Ask 100 times for as many large answers as there is room for, and read none, for 8 s."""
    await _flood(context, "never-reading")


async def junk_keys(context: FaultContext) -> None:
    """Order with API keys that do not exist, on 32 connections without pause, for 8 s."""
    await _flood(context, "junk-keys")


async def unknown_slugs(context: FaultContext) -> None:
    """Ask for sales that do not exist, on 600 connections without pause, for 8 s."""
    await _flood(context, "unknown-slugs")


async def page_readers(context: FaultContext) -> None:
    """Load the front page on 64 connections without pause, for 8 s."""
    await _flood(context, "page-readers")


async def malformed_requests(context: FaultContext) -> None:
    """Send what is no HTTP, on 32 connections at a time without pause, for 8 s."""
    await _flood(context, "malformed")


async def _flood(context: FaultContext, kind: str) -> None:
    command = [sys.executable, "-m", "proof.drill.flood", kind]
    port = str(urlsplit(context.stack.web.url).port)
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
    line = output.decode().strip().rpartition("\n")[2]
    if program.returncode:
        raise NotDone(f"the flood failed: {line}")
    context.notes.append(line)
