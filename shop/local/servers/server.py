"""An embedded server: a service with a port and data of its own, that can say when it is ready."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from signal import Signals

import psutil

from shop.local.discovery import Address
from shop.local.errors import ServerFailed
from shop.local.processes.service import STOP_SECONDS, Service, wait_until

HOST = "127.0.0.1"
READY_SECONDS = 30.0


class Server(Service, ABC):
    """A database server on the loopback. First `prepare`, then `start`, then `wait_ready`."""

    relied_on = True
    port: int

    def __init__(
        self, name: str, state: Path, *, stop_signal: Signals, write: Callable[[str], None]
    ) -> None:
        """Keep the data under `state`; `write` takes the log lines."""
        super().__init__(name, cwd=Path("/"), stop_signal=stop_signal, write=write)
        self.state = state

    @abstractmethod
    def prepare(self) -> None:
        """Find the program, make the data folder if there is none, choose the port.

        Takes a moment, and may run in any thread. Raises a LocalStackError.
        """

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server does its work now; takes two seconds at most."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL under which clients reach the server."""

    @property
    def address(self) -> Address:
        """The entry of the running server in servers.json."""
        assert self.pid is not None
        return {"host": HOST, "port": self.port, "pid": self.pid}

    def wait_ready(self, timeout: float = READY_SECONDS) -> None:
        """Return when the server answers; raise ServerFailed if it ends or takes too long."""
        if not wait_until(lambda: not self.running or self.answers(), timeout=timeout):
            raise ServerFailed(self.name, f"did not answer within {timeout:g} s", self.last_lines())
        if not self.running:
            raise ServerFailed(self.name, f"ended with {self.exit_code}", self.last_lines())


def end_leftover(pid_file: Path, stop_signal: Signals) -> None:
    """End a server that a killed stack has left running on the data beside `pid_file`.

    Call this under the lock of the state folder. A process that merely got the same id, after a
    reboot or in a fresh container, is let be and its file removed, for servers take it as a sign
    that their data is in use.
    """
    try:
        leftover = psutil.Process(int(pid_file.read_text().split()[0]))
        ours = Path(leftover.cwd()) == pid_file.parent.resolve()
    except (OSError, ValueError, IndexError, psutil.Error):
        return
    if not ours:
        pid_file.unlink(missing_ok=True)
        return
    leftover.send_signal(stop_signal)
    try:
        leftover.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        leftover.kill()
        leftover.wait(STOP_SECONDS)
