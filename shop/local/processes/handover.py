"""A new process gets ready to take over from the one that runs, or is out of the way again."""

import asyncio
import os
from collections.abc import Callable

from shop.local.servers.server import READY_SECONDS

from .readiness import readiness
from .service import Service

CHECK_SECONDS = 0.05


async def take_over(
    new: Service, *, report: Callable[[str], None], patience: float = READY_SECONDS
) -> bool:
    """Start `new`, and return True when it says that it is ready, as sd_notify(3) describes.

    Where it ends instead, or needs longer than `patience` seconds, it is stopped with a word to
    `report`, and the answer is False. Call this in the thread of the supervisor (`Service.start`
    says why).
    """
    try:
        trouble = await _start(new, patience)
    except OSError as error:  # no more processes or memory, for the moment
        trouble = f"cannot be started: {error}"
    except asyncio.CancelledError:
        await asyncio.to_thread(new.stop)
        raise
    if trouble:
        await asyncio.to_thread(new.stop)
        report(f"the new {new.name} {trouble}; the other one goes on")
    return not trouble


async def _start(new: Service, patience: float) -> str:
    """Return why `new` is not ready, "" if it is. Raises OSError."""
    deadline = asyncio.get_running_loop().time() + patience
    with readiness() as word:
        new.env = {**(os.environ if new.env is None else new.env), **word.env}
        new.start()
        while not word.said():
            if not new.running:
                return f"ended with {new.exit_code}"
            if asyncio.get_running_loop().time() > deadline:
                return f"was not ready within {patience:g} s"
            await asyncio.sleep(CHECK_SECONDS)
    return ""
