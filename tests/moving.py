"""Redis servers that take over from one another, behind one address as clients see it."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import redis

from shop.local.processes.service import wait_until
from shop.local.servers.redis_server import RedisServer
from shop.local.servers.server import HOST

SECONDS = 20.0


class Address:
    """An address that leads to one server at a time, as a failover moves it."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self._target = 0
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self._listener.getsockname()[1]}/0"

    def leads_to(self, server: RedisServer, *, disconnect: bool = True) -> None:
        """From now on the address is that of `server`; open connections end, or stay."""
        self._target = server.port
        for end in list(self._open) if disconnect else ():
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        for end in list(self._open):
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((HOST, self._target))
            except OSError:
                if self._listener.fileno() < 0:
                    return
                near.close()
                continue
            self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._open.discard(end)


class Servers:
    """Any number of Redis servers, by name, of which each can follow another."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._running: dict[str, RedisServer] = {}

    def __enter__(self) -> "Servers":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._running.values():
            server.stop()

    def start(self, name: str) -> RedisServer:
        """Start the server `name`, with the files that it has left, if it ran before."""
        server = RedisServer(self._state / name, settings={"repl-diskless-sync-delay": "0"})
        server.prepare()
        server.start()
        server.wait_ready()
        self._running[name] = server
        return server

    def kill(self, name: str) -> None:
        """The server is lost; its files stay."""
        server = self._running.pop(name)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        server.stop()

    def follow(self, name: str, primary: str) -> None:
        """Make `name` a replica of `primary`, and wait until it is in step."""
        with self.ask(name) as client:
            client.replicaof(HOST, self._running[primary].port)
            assert wait_until(lambda: _is_in_step(client), timeout=SECONDS)

    def cut_off(self, name: str) -> None:
        """The replica `name` hears nothing from its primary any more."""
        with self.ask(name) as client:
            client.replicaof(HOST, 1)  # nothing listens there

    def promote(self, name: str) -> RedisServer:
        """Make the replica `name` a primary of its own."""
        with self.ask(name) as client:
            client.replicaof("NO", "ONE")
        return self._running[name]

    @contextlib.contextmanager
    def ask(self, name: str) -> Iterator[Any]:
        with redis.Redis.from_url(self._running[name].url) as client:
            yield client


def _is_in_step(client: Any) -> bool:
    return bool(client.info("replication")["master_link_status"] == "up")
