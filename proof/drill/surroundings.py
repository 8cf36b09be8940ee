"""Another environment for some services of the running stack, as long as a fault needs it."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from proof.waiting import until
from shop.local.processes.service import STOP_SECONDS, Service
from shop.local.servers.server import Server

from .fault_context import FaultContext
from .outcome import NotDone

BACK_SECONDS = 30.0


@asynccontextmanager
async def running_with(
    context: FaultContext, *names: str, env: Mapping[str, str]
) -> AsyncIterator[None]:
    """Run these services with `env` over their own; they are restarted for it, before and after.

    The web process is replaced without a gap, the others are away for a moment. Raises NotDone
    where one does not come back.
    """
    own = {name: context.service(name).env for name in names}
    await asyncio.gather(*(_restart(context, name, own[name], env) for name in names))
    try:
        yield
    finally:
        await asyncio.gather(*(_restart(context, name, own[name], {}) for name in names))


async def _restart(
    context: FaultContext, name: str, own: Mapping[str, str] | None, env: Mapping[str, str]
) -> None:
    if name == "web":
        back = await context.stack.roll_web(**env)
    else:
        service = context.service(name)
        service.env = {**(os.environ if own is None else own), **env}
        back = await _start_again(context, service)
    if not back:
        raise NotDone(f"{name} did not come back with another environment")


async def _start_again(context: FaultContext, service: Service) -> bool:
    before = service.pid
    await context.stack.supervisor.restart(service, grace=STOP_SECONDS)

    async def is_back() -> bool:
        if service.pid == before or not service.running:
            return False
        return not isinstance(service, Server) or await asyncio.to_thread(service.answers)

    return await until(is_back, seconds=BACK_SECONDS)
