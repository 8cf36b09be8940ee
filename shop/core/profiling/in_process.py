"""Profiles of a process that is at work, with nothing installed: SIGUSR2 asks for one.

A thread looks at the stacks of all others a hundred times a second, for a bounded time, and writes
what it saw to SHOP_STATE_DIR/profiles, for https://www.speedscope.app. It sees wall-clock time, and
needs the interpreter's lock for each look: py-spy, where there is one, sees more. A process that
is not asked spends a sleeping thread on this.
"""

import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from django.conf import settings

from . import speedscope

logger = logging.getLogger(__name__)

SECONDS = 10.0  # of a profile without a requested length
MAX_SECONDS = 60.0
HERTZ = 97  # prime: in step with nothing that happens a hundred times a second
MAX_STACKS = 20_000  # different ones; beyond, a look is counted as "…"
MAX_DEPTH = 200
KEPT = 20  # profiles; older ones are removed

Stack = tuple[str, ...]  # thread, then frames from the outermost in
_pipe: tuple[int, int] | None = None


def folder() -> Path:
    """Return where profiles are, and what says which processes can be asked for one."""
    return Path(settings.STATE_DIR) / "profiles"


def listen(role: str) -> None:
    """Let SIGUSR2 profile this process; `role` is what it does.

    Says so in a file that stays locked for as long as the process lives: a signal that nobody waits
    for would end a process. To be called in the main thread. A folder that cannot be written to is
    logged and fails nothing.
    """
    global _pipe
    if _pipe is not None or signal.getsignal(signal.SIGUSR2) not in (signal.SIG_DFL, None):
        return
    try:
        _announce(role)
    except OSError as error:
        logger.warning("this process cannot be profiled: %s", error)
        return
    _pipe = os.pipe()
    os.set_blocking(_pipe[1], False)
    # The handler interrupts whatever the main thread does, so it takes no lock and starts nothing.
    signal.signal(signal.SIGUSR2, _request_profile)
    threading.Thread(target=_serve, args=(role,), name="profiler", daemon=True).start()


def new_file(pid: int, role: str) -> Path:
    """Return where the profile of a process goes that ends now, "web-4711-20261127T120000.123"."""
    now = datetime.now(UTC)
    moment = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}"
    return folder() / f"{role}-{pid}-{moment}.speedscope.json"


def requested_file(pid: int) -> Path:
    """Return where to write how many seconds the next profile of a process is to take."""
    return folder() / f"{pid}.seconds"


def announcement_file(pid: int) -> Path:
    """Return the file that a process which listens keeps locked; it holds its role."""
    return folder() / f"{pid}.process"


def _announce(role: str) -> None:
    folder().mkdir(parents=True, exist_ok=True)
    # Never closed: the kernel lets go of the lock when the process ends, however it ends.
    descriptor = os.open(announcement_file(os.getpid()), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, role.encode())


def _request_profile(_: int, __: FrameType | None) -> None:
    assert _pipe is not None
    try:
        os.write(_pipe[1], b"!")
    except BlockingIOError:
        return  # more requests than the pipe holds


def _serve(role: str) -> None:
    assert _pipe is not None
    while os.read(_pipe[0], 512):
        try:
            _profile(role)
        except Exception:
            logger.exception("no profile was written")


def _profile(role: str) -> None:
    seconds = _seconds()
    samples = sample(seconds)
    path = new_file(os.getpid(), role)
    speedscope.write(path, samples, name=path.name, hertz=HERTZ)
    _remove_old()
    logger.info("profile of %g s: %s", seconds, path)


def _seconds() -> float:
    """Return how long the profile is to take that was just asked for."""
    try:
        asked = float(requested_file(os.getpid()).read_text())
    except (OSError, ValueError):
        return SECONDS
    requested_file(os.getpid()).unlink(missing_ok=True)
    return min(max(asked, 0.1), MAX_SECONDS)


def sample(seconds: float, *, hertz: int = HERTZ) -> Counter[Stack]:
    """Return how often each stack was seen in the other threads, in `seconds` from now."""
    seen: Counter[Stack] = Counter()
    own, began = threading.get_ident(), time.monotonic()
    for look in range(1, int(seconds * hertz) + 1):
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            if ident != own:
                stack = (names.get(ident, "thread"), *_frames(frame))
                seen[stack if stack in seen or len(seen) < MAX_STACKS else ("…",)] += 1
        del frame  # it would keep alive what that thread has long left
        time.sleep(max(0.0, began + look / hertz - time.monotonic()))
    return seen


def _frames(frame: FrameType | None) -> list[str]:
    frames: list[str] = []
    while frame is not None and len(frames) < MAX_DEPTH:
        code = frame.f_code
        frames.append(f"{code.co_qualname} ({code.co_filename}:{frame.f_lineno})")
        frame = frame.f_back
    return frames[::-1]


def _remove_old() -> None:
    profiles = sorted(folder().glob("*.speedscope.json"), key=lambda path: path.stat().st_mtime)
    for path in profiles[:-KEPT]:
        path.unlink(missing_ok=True)
