"""Keeps services running: starts again what dies, and stops what others rely on last."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from .service import Service

FIRST_PAUSE = 0.2  # seconds before a dead service is started again, doubled each time
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 10.0  # a service that lived this long starts over with the first pause
CHECK_SECONDS = 0.05


class Supervisor:
    """Watches services in the thread of its event loop, which has to outlive them."""

    def __init__(
        self,
        *,
        report: Callable[[str], None],
        restarted: Callable[[Service], None] = lambda service: None,
    ) -> None:
        """Tell `report` what happens, and call `restarted` with each service started again."""
        self.deaths: Counter[str] = Counter()
        self._report = report
        self._restarted = restarted
        self._kept: list[tuple[Service, asyncio.Task[None]]] = []

    def watch(self, service: Service) -> None:
        """Start `service` unless it runs, and keep it running until `stop`."""
        if not service.running:
            service.start()
        task = asyncio.create_task(self._keep(service), name=f"keep {service.name}")
        self._kept.append((service, task))

    async def stop(self) -> None:
        """Stop all services, those that others rely on last; nothing they have started is left."""
        kept, self._kept = self._kept, []
        async with AsyncExitStack() as exits:  # what fails to stop keeps nothing else running
            for relied_on in (True, False):
                group = [each for each in kept if each[0].relied_on is relied_on]
                exits.push_async_callback(self._stop_all, group)

    async def _stop_all(self, group: Sequence[tuple[Service, asyncio.Task[None]]]) -> None:
        async with asyncio.TaskGroup() as stopping:
            for service, task in group:
                stopping.create_task(self._stop(service, task))

    async def replace(self, old: Service, new: Service) -> None:
        """Keep `new` running, which does the work of `old` by now, and stop `old`."""
        self.watch(new)
        [task] = [task for service, task in self._kept if service is old]
        await self._stop(old, task)
        # Not before: where this is cut off, `stop` still finds it.
        self._kept = [each for each in self._kept if each[0] is not old]

    async def restart(self, service: Service, *, grace: float) -> None:
        """Stop `service`, killed after `grace` seconds, and start it again as if it had died."""
        await asyncio.to_thread(service.stop, grace)

    async def _stop(self, service: Service, task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task])
        await asyncio.to_thread(service.stop)

    async def _keep(self, service: Service) -> None:
        clock = asyncio.get_running_loop().time
        pause = FIRST_PAUSE
        while True:
            started = clock()
            while service.running:  # noqa: ASYNC110 - nothing portable tells when a child ends
                await asyncio.sleep(CHECK_SECONDS)
            self.deaths[service.name] += 1
            if clock() - started > STEADY_SECONDS:
                pause = FIRST_PAUSE
            self._report(
                f"{service.name} ended with {service.exit_code}, starts again in {pause:g} s"
            )
            await asyncio.to_thread(service.stop)  # what it has left behind may hold its port
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                service.start()
            except OSError as error:  # no more processes or memory, for the moment
                self._report(f"{service.name} cannot be started: {error}")
            else:
                self._restarted(service)
