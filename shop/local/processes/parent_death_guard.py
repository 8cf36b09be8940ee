"""Runs a program that dies with its parent, as another user where asked.

A script that stands between fork and exec: `tether.py PARENT_PID SIGNAL UID PROGRAM [ARGUMENT …]`.
It does what `preexec_fn` would, without running Python in the forked half of a process with
threads, which can deadlock. The process id stays the same through the exec.
"""

import ctypes
import os
import resource
import sys
from collections.abc import Sequence
from signal import Signals

PR_SET_PDEATHSIG = 1
OWN_USER = -1
MOST_FILES = 65_536


def tethered(command: Sequence[str], death_signal: Signals, uid: int | None = None) -> list[str]:
    """Return the command line that runs `command` tethered to this process.

    On Linux the program gets `death_signal` when the *thread* that started it ends. Elsewhere the
    kernel offers nothing of the kind, and only `uid` has an effect (None: the own user).
    """
    script = [sys.executable, "-I", "-S", __file__]
    user = OWN_USER if uid is None else uid
    return [*script, str(os.getpid()), str(int(death_signal)), str(user), *command]


def main(parent: int, death_signal: int, uid: int, command: list[str]) -> None:
    """Drop privileges, tie this process to `parent`, and become `command`."""
    if uid != OWN_USER:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    _allow_many_connections()
    if sys.platform == "linux":
        # After setuid, because a change of credentials clears the signal.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent died before the program could start")
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


def _allow_many_connections() -> None:
    """Raise the number of open files to what is allowed: each connection of a sale is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
