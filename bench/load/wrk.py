"""The closed loop: wrk sends the next request on a connection when the one before is answered."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.errors import LoadFailed, WrkMissing

from .orders import Orders
from .process import last_line

SCRIPTS = Path(__file__).parent
ORDERS_PATH = "/api/v1/orders"
TIMEOUT = "10s"  # for one answer; beyond it counts as an error


class Answers(msgspec.Struct, frozen=True):
    """The counts of wrk. Latencies in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    p999: float
    refused: int  # status 400 and above
    errors: int  # no answer at all

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


class ClosedLoop:
    """A load of so many `connections` for so many whole `seconds`, on one thread."""

    def __init__(self, folder: Path, *, connections: int, seconds: int) -> None:
        """Keep the files that the scripts read in `folder`. Raises WrkMissing."""
        self.seconds = seconds
        self._folder = folder
        self._options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", TIMEOUT]

    async def place(self, url: str, orders: Orders, *, repeat_after: int = 0) -> Answers:
        """Place `orders` at `url`; their keys begin again after `repeat_after` of them."""
        bodies = str(orders.write(self._folder))
        arguments = [orders.api_key, orders.key_prefix, bodies, str(repeat_after)]
        return await self._run("orders.lua", url + ORDERS_PATH, arguments)

    async def get(self, url: str, paths: Sequence[str], *, api_key: str) -> Answers:
        """Get `paths` from `url` in turn."""
        file = self._folder / "paths"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{path}\n" for path in paths))
        return await self._run("reads.lua", url, [api_key, str(file)])

    async def _run(self, script: str, url: str, arguments: Sequence[str]) -> Answers:
        options = [*self._options, "-s", str(SCRIPTS / script)]
        line = await last_line([find_wrk(), *options, url, "--", *arguments], seconds=self.seconds)
        try:
            return msgspec.json.decode(line, type=Answers)
        except msgspec.MsgspecError as error:
            raise LoadFailed(f"wrk ended with: {line}") from error


def find_wrk() -> str:
    """Return the path of wrk. Raises WrkMissing."""
    path = shutil.which("wrk")
    if path is None:
        raise WrkMissing
    return path
