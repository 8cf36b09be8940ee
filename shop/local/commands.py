"""Runs the project's management commands beside the running stack."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from signal import Signals

from .discovery import REPOSITORY
from .errors import CommandFailed
from .processes.parent_death_guard import tethered

COMMAND_SECONDS = 300.0  # a busy machine takes its time to migrate


async def manage(arguments: list[str], env: Mapping[str, str], standard_input: str = "") -> str:
    """Run manage.py with `arguments`, feed it `standard_input`, and return its standard output.

    Raises CommandFailed, with all its output, if it fails or takes longer than five minutes.
    """
    process = await asyncio.create_subprocess_exec(
        *tethered([sys.executable, "manage.py", *arguments], Signals.SIGTERM),
        cwd=REPOSITORY,
        env=env,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await asyncio.wait_for(
            process.communicate(standard_input.encode()), COMMAND_SECONDS
        )
    except TimeoutError as error:
        raise CommandFailed(arguments[0], f"no end after {COMMAND_SECONDS:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise CommandFailed(arguments[0], (output + errors).decode(errors="replace"))
    return output.decode()
