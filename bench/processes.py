"""Families of processes: who belongs to one, what time they have used; freezing and thawing."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import psutil


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all that it has started; nothing where it has ended."""
    try:
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(heads: Mapping[str, int]) -> dict[str, float]:
    """Return the processor time that each family has used so far, by the name of its head."""
    return {name: sum(map(_used, family(pid))) for name, pid in heads.items()}


def _used(process: psutil.Process) -> float:
    """Return the time of a process and of those of its children that have ended."""
    try:
        times: Sequence[float] = process.cpu_times()[:4]  # user, system, and of children, both
    except psutil.Error:
        return 0.0
    return sum(times)


def freeze(pid: int) -> None:
    """SIGSTOP a family, its head first, so that it starts nobody new meanwhile."""
    _each(family(pid), psutil.Process.suspend)


def thaw(pid: int) -> None:
    """SIGCONT a family, its head last."""
    _each([*reversed(family(pid))], psutil.Process.resume)


def _each(processes: Sequence[psutil.Process], act: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            act(process)
