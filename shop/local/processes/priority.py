"""Priorities where there are more processes than cores: first those that a client waits for."""

import os
from contextlib import suppress
from pathlib import Path

# Nice values, as in nice(1): a tenth of the share of a process that is not nice, and a third.
BEHIND, BETWEEN = 10, 5


def put_behind(pid: int, nice: int) -> None:
    """Let a process and its group, now and later, use the processor when others do not need it.

    A client waits for an answer, or for stock to be back on sale; a row in PostgreSQL may come some
    milliseconds later. On Linux sessions share the processor as groups, so that niceness within a
    session means nothing to others: the group is told as well (sched(7), "The autogroup feature").
    """
    with suppress(OSError):  # it has just ended, or there is no such thing here
        os.setpriority(os.PRIO_PGRP, pid, nice)
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))
