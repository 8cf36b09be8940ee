"""Runs the project's management commands beside the running stack."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from signal import Signals

from shop.local.discovery import REPOSITORY
from shop.local.errors import CommandFailed
from shop.local.tether import tethered

COMMAND_SECONDS = 120.0


async def manage(arguments: list[str], env: Mapping[str, str]) -> str:
    """Run manage.py with `arguments` and return its standard output.

    Raises CommandFailed, with all its output, if it fails or takes longer than two minutes.
    """
    process = await asyncio.create_subprocess_exec(
        *tethered([sys.executable, "manage.py", *arguments], Signals.SIGTERM),
        cwd=REPOSITORY,
        env=env,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    except TimeoutError as error:
        raise CommandFailed(arguments[0], f"no end after {COMMAND_SECONDS:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise CommandFailed(arguments[0], (output + errors).decode(errors="replace"))
    return output.decode()
