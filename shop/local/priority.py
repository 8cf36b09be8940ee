"""Who goes first where there are more processes than cores: those that somebody waits for."""

import os
from contextlib import suppress
from pathlib import Path

BEHIND = 10  # a nice value, as in nice(1): about a tenth of the share of one that is not nice


def put_behind(pid: int) -> None:
    """Let a process, and what it will start, use the processor when others do not need it.

    An answer waits for web and Redis; a row in PostgreSQL may come some milliseconds later. On
    Linux sessions share the processor as groups, so that niceness within a session means nothing
    to others: the group is told as well (sched(7), "The autogroup feature").
    """
    with suppress(OSError):  # it has just ended, or there is no such thing here
        os.setpriority(os.PRIO_PROCESS, pid, BEHIND)
        Path(f"/proc/{pid}/autogroup").write_text(str(BEHIND))
