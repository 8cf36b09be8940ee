"""One program of the stack: started, watched and stopped together with all its descendants."""

import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals
from typing import IO

import psutil

from .logs import read_lines
from .parent_death_guard import tethered
from .priority import put_behind

STOP_SECONDS = 12.0  # a little more than the web process takes for its own graceful end
KILL_SECONDS = 5.0
TAIL_LINES = 20


class Service:
    """A program that runs as one child process in its own session, and can be started again."""

    relied_on = False  # whether other programs need it until they have ended
    nice = (
        0  # above 0 it leaves the processor to those that have to be on time, once it has settled
    )

    def __init__(
        self,
        name: str,
        command: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: Signals = Signals.SIGTERM,
        pass_fds: Sequence[int] = (),
        write: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Describe the program; `write` takes each line of its output, from another thread.

        It inherits the file descriptors `pass_fds`, under the same numbers.
        """
        self.name = name
        self.env = env
        self.cwd = cwd
        self.uid: int | None = None  # None: run as the own user
        self.stop_signal = stop_signal
        self.pass_fds = pass_fds
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._command = command
        self._write = write
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @property
    def command(self) -> Sequence[str]:
        """The program and its arguments."""
        return self._command

    @property
    def pid(self) -> int | None:
        """The id of the process started last, or None before the first start."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The return code of the process, as in `subprocess`; None while it runs or never ran."""
        return self._process.poll() if self._process else None

    def twin(self, *, env: Mapping[str, str]) -> "Service":
        """Return the same program once more, not started yet, with the environment `env`."""
        return Service(
            self.name,
            self.command,
            env=env,
            cwd=self.cwd,
            stop_signal=self.stop_signal,
            pass_fds=self.pass_fds,
            write=self._write,
        )

    def start(self) -> None:
        """Start the process.

        Its session is its own, so that Ctrl-C in the terminal reaches only the manager, who stops
        things in order. On Linux it gets its stop signal when the calling thread ends: call this
        in a thread that lives as long as the process should.
        """
        self._process = subprocess.Popen(
            tethered(self.command, self.stop_signal, self.uid),
            env=self.env,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.pass_fds,
            start_new_session=True,
        )
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name=f"{self.name}-log", daemon=True
        )
        self._reader.start()

    def settle(self) -> None:
        """Leave the processor from now on to what has to be on time, as `nice` says.

        Not from the start: on a busy machine a process that is behind all others takes minutes to
        load what it needs, and its caller waits for the whole.
        """
        if self.nice and self.running and self.pid:
            put_behind(self.pid, self.nice)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Ask the process to end, and after `timeout` seconds kill it and all it has started.

        Also right for a process that has ended by itself: its descendants are killed.
        """
        if self._process is None or self._reader is None:
            return
        family = self._descendants()
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # stuck in the kernel; nothing more helps
                self._process.wait(KILL_SECONDS)
        _kill([*family, *self._session()])
        self._reader.join(KILL_SECONDS)  # its last lines belong into the log

    def last_lines(self) -> list[str]:
        """Return the end of the log: all that was written, if the process has ended."""
        if self._reader and not self.running:
            self._reader.join(KILL_SECONDS)
        return list(self._tail)

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in read_lines(stream):
                self._tail.append(line)
                with suppress(OSError, ValueError):
                    # Whatever is wrong with the log, a full disk for one, must not fill the pipe:
                    # the program would stand still.
                    self._write(line)

    def _descendants(self) -> list[psutil.Process]:
        """Return what the living process has started, in whatever session it is by now."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.Error:
            return []

    def _session(self) -> list[psutil.Process]:
        """Return what lives in the process's session; it outlives the process itself."""
        found = []
        for pid in psutil.pids():
            try:
                if os.getsid(pid) == self.pid:
                    found.append(psutil.Process(pid))
            except (OSError, psutil.Error):  # it has just ended, or is none of our business
                continue
        return found


def _kill(processes: Sequence[psutil.Process]) -> None:
    """Kill the processes, none of them a child of ours, and wait until they are gone."""
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue
    wait_until(lambda: not any(map(_alive, processes)), timeout=KILL_SECONDS)


def _alive(process: psutil.Process) -> bool:
    try:
        # The system reaps orphans; in a container it may not.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def wait_until(condition: Callable[[], bool], *, timeout: float, every: float = 0.02) -> bool:
    """Return True as soon as `condition()` holds, or False after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
