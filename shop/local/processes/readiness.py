"""Where a process says that it is ready: the manager's half of systemd's `sd_notify`."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "NOTIFY_SOCKET"
MOST_BYTES = 4096  # of a message; sd_notify's are a line or two


class Readiness:
    """Listens to one process, which finds the socket by `env`."""

    def __init__(self, inbox: socket.socket, path: Path) -> None:
        """Read `inbox`, which does not block and is bound to `path`."""
        self.env = {VARIABLE: str(path)}
        self._inbox = inbox

    def said(self) -> bool:
        """Return whether the next message that has come in says READY=1."""
        try:
            return b"READY=1" in self._inbox.recv(MOST_BYTES).splitlines()
        except BlockingIOError:
            return False


@contextmanager
def readiness() -> Iterator[Readiness]:
    """Open a socket for one process; it is gone at the end.

    It lies in the system's folder for temporary files, because its path may have hardly more than
    a hundred bytes, and a state folder can be deep.
    """
    with (
        tempfile.TemporaryDirectory(prefix="shop-") as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inbox,
    ):
        path = Path(folder, "notify")
        inbox.setblocking(False)
        inbox.bind(str(path))
        yield Readiness(inbox, path)
