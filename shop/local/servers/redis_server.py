"""The embedded Redis or Valkey, as durable as the orders need it, on the loopback only."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import Signals

import psutil

from .ports import kept_port
from .programs import find_redis
from .server import HOST, Server, end_leftover

SETTINGS = {
    "bind": HOST,
    "protected-mode": "yes",
    "daemonize": "no",
    "databases": "16",
    "loglevel": "notice",
    # An acknowledged write is on disk, and no key is evicted to make room.
    "appendonly": "yes",
    "appendfsync": "always",
    "aof-load-truncated": "yes",
    "save": "",
    "maxmemory-policy": "noeviction",
}


def most_memory(environ: Mapping[str, str] = os.environ) -> str:
    """Return how much memory the server may use, in the words of its `maxmemory`.

    Half of the machine's, unless SHOP_REDIS_MAXMEMORY says otherwise: a server that fills the
    machine is ended by it, and one that is full says so.
    """
    return environ.get("SHOP_REDIS_MAXMEMORY") or str(psutil.virtual_memory().total // 2)


class RedisServer(Server):
    """A Redis-protocol server whose acknowledged writes survive the loss of the process."""

    def __init__(
        self,
        state: Path,
        *,
        settings: Mapping[str, str] | None = None,
        write: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Keep the data under `state`; `settings` go before those of this module."""
        super().__init__("redis", state, stop_signal=Signals.SIGTERM, write=write)
        self._settings = {**SETTINGS, "maxmemory": most_memory(), **(settings or {})}
        self._program = Path()
        self._data = Path()

    @property
    def url(self) -> str:
        """The server's URL, with database 0."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def command(self) -> Sequence[str]:
        """The server with its settings."""
        settings = {
            **self._settings,
            "port": str(self.port),
            "dir": str(self._data),
            "pidfile": str(self._data / "server.pid"),
        }
        options = [word for key, value in settings.items() for word in (f"--{key}", value)]
        return [str(self._program), *options]

    def prepare(self) -> None:
        """Find the program, make its folder, choose the port."""
        program = find_redis()
        self._program = program.path
        # Engines and major versions do not read each other's files.
        self._data = self.state / f"{program.engine}-{program.major}"
        self._data.mkdir(parents=True, exist_ok=True)
        end_leftover(self._data / "server.pid", self.stop_signal)
        self.port = kept_port(self.state, self.name)

    def answers(self) -> bool:
        """Return whether the server answers; not yet while it loads its data."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
