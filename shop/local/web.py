"""The address of a process that serves HTTP on this machine, and its answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to connect to, not to bind


class Reply(NamedTuple):
    """An answer; status 0 where there was none."""

    status: int
    text: str


@dataclass(frozen=True)
class Web:
    """A server that listens on `host` and `port`."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The root of the site, for a client on this machine, without a slash at the end."""
        name = f"[{self._reachable}]" if ":" in self._reachable else self._reachable
        return f"http://{name}:{self.port}"

    async def get(self, path: str, **headers: str) -> Reply:
        """Return the answer to GET `path`, with five seconds of patience."""
        return await asyncio.to_thread(self._get, path, headers)

    @property
    def _reachable(self) -> str:
        return EVERYWHERE.get(self.host, self.host)

    def _get(self, path: str, headers: Mapping[str, str]) -> Reply:
        # Not urllib: it would send a request for this machine through a proxy.
        connection = HTTPConnection(self._reachable, self.port, timeout=5)
        try:
            connection.request("GET", path, headers=dict(headers))
            response = connection.getresponse()
            return Reply(response.status, response.read().decode(errors="replace"))
        except (OSError, HTTPException):
            return Reply(0, "no answer")
        finally:
            connection.close()
