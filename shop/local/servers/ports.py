"""TCP ports: one kept for each embedded server, and a clear word when one is taken."""

import errno
import random
import socket
from pathlib import Path

import psutil

from shop.local.errors import LocalStackError, PortTaken

# Below the ports that Linux and macOS hand out to clients. A server that is down for a moment must
# not find its port given to an outgoing connection, not even to one that was trying to reach it.
OWN_PORTS = range(20_000, 32_000)


def kept_port(state: Path, name: str) -> int:
    """Return the port that the server `name` had last time, or a new one where it is taken."""
    file = state / "run" / f"{name}.port"
    try:
        port = int(file.read_text())
    except (OSError, ValueError):
        port = 0
    while port not in OWN_PORTS or not is_free("127.0.0.1", port):
        port = random.choice(OWN_PORTS)  # noqa: S311 - no secret
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(port))
    return port


def require_free(host: str, port: int, *, variable: str) -> None:
    """Raise PortTaken, naming the variable to set, if someone listens on `port` of `host`."""
    try:
        free = is_free(host, port)
    except (OSError, OverflowError) as error:
        raise LocalStackError(f"cannot listen on {host}:{port}: {error}") from error
    if not free:
        raise PortTaken(port, variable, _listener(port))


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen on `port` of `host` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: connections of a server that has just stopped do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def _listener(port: int) -> int | None:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:  # macOS tells only root
        return None
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN
        if listens and connection.laddr and connection.laddr.port == port:
            return connection.pid
    return None
