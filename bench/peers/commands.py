"""Runs a command to its end before a peer can start."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping
from pathlib import Path

from shop.local.errors import ServerFailed

LAST_LINES = 20


async def run_command(
    title: str, *command: str, cwd: Path, env: Mapping[str, str], seconds: float
) -> None:
    """Return once the command has ended well; it has ended in any case.

    Raises ServerFailed with its last lines where it fails, or takes more than `seconds`.
    """
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env, stdout=PIPE, stderr=STDOUT
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise ServerFailed(title, f"took more than {seconds:g} s") from error
    finally:
        await _end(process)
    if process.returncode:
        lines = output.decode(errors="replace").splitlines()
        raise ServerFailed(title, f"ended with {process.returncode}", lines[-LAST_LINES:])


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
