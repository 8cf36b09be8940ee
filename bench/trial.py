"""One run of a scenario: its contestants take turns on its servers, one at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.contestant import Contestant, Running
from bench.errors import TROUBLE
from bench.load.arrivals import OpenLoop
from bench.load.wrk import ClosedLoop
from bench.options import Options
from bench.product import Product, RunningProduct
from bench.result import Result
from bench.servers import Pair

Work = Callable[["Trial", str, Running], Awaitable[None]]  # with the contestant's name


@dataclass(frozen=True)
class Trial:
    """The servers and loads of a scenario, and the result that it writes."""

    options: Options
    pair: Pair
    contestants: Mapping[str, Contestant]  # by name
    result: Result
    earlier: Mapping[str, Result]  # of the scenarios before
    say: Callable[[str], None]  # tells a person what is going on

    async def take_turns(self, names: Sequence[str], work: Work) -> None:
        """Do `work` with each of the contestants; who cannot run is noted and left out."""
        for name in names:
            if name not in self.contestants:
                self.result.skipped[name] = "not asked for"
            elif why := self.contestants[name].missing():
                self.result.skipped[name] = why
            else:
                await self._take_turn(name, work)

    @asynccontextmanager
    async def product(
        self, *, processes: int = 1, env: Mapping[str, str] | None = None
    ) -> AsyncIterator[RunningProduct]:
        """Run the product alone, on empty servers. Raises a LocalStackError."""
        self.say("product")
        async with (
            self.pair.emptied() as servers,
            Product(env or {}).running(servers, processes=processes) as product,
        ):
            yield product

    def closed_loop(self, *, seconds: int | None = None) -> ClosedLoop:
        """Return the closed loop, for so long as was asked for where nothing else is said."""
        return ClosedLoop(
            self.pair.state / "load",
            connections=self.options.connections,
            seconds=seconds or self.options.seconds,
        )

    def open_loop(self, *, rate: float) -> OpenLoop:
        """Return the open loop at `rate` orders a second."""
        return OpenLoop(self.pair.state / "load", rate=rate, seconds=self.options.seconds)

    async def _take_turn(self, name: str, work: Work) -> None:
        self.say(name)
        try:
            async with (
                self.pair.emptied() as servers,
                self.contestants[name].running(servers) as running,
            ):
                await work(self, name, running)
        except TROUBLE as error:
            self.result.failed[name] = str(error)
