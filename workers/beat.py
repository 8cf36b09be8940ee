"""Beat's schedule, which goes on when somebody sets the system's clock.

Celery's own scheduler keeps when each entry is next due as a time of day, and its default one
writes that to a file: a clock that is put back by an hour stops every sweep for an hour, also over
a restart. All entries here come every few seconds and make good for what was missed, so nothing has
to be remembered.
"""

import time
from typing import Any

from celery.beat import ScheduleEntry, Scheduler

from shop.core.tasks import dispatch
from shop.core.tasks.dispatch import TaskName

from .schedule import SCHEDULE

JUMP_SECONDS = 2.0  # more than NTP moves a clock between two looks


class SteadyScheduler(Scheduler):
    """Celery's scheduler, in memory; starts over when the time of day has jumped.

    It asks only for tasks that are not asked for already: while a worker stands still, its queue
    does not grow by a message for each interval.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """As the base class."""
        self._offset = _offset()
        super().__init__(*args, **options)

    def setup_schedule(self) -> None:
        """Take up SCHEDULE, whichever app beat is started with."""
        self.app.conf.beat_schedule = SCHEDULE
        super().setup_schedule()

    def tick(self, *args: Any, **options: Any) -> float:
        """Return how many seconds to sleep, after what was due has been asked for."""
        offset = _offset()
        if abs(offset - self._offset) > JUMP_SECONDS:
            for entry in self.schedule.values():
                entry.last_run_at = entry.default_now()
            self._heap = None
        self._offset = offset
        return float(super().tick(*args, **options))

    def apply_async(self, entry: ScheduleEntry, *_: Any, advance: bool = True, **__: Any) -> None:
        """Ask for an entry's task. A broker that is away is logged, and asked again later."""
        due: Any = self.reserve(entry) if advance else entry
        queue, expires = due.options["queue"], due.options["expires"]
        dispatch.send(TaskName(due.task, queue, expires), *due.args)


def _offset() -> float:
    """Return by how much the time of day is ahead of a clock that nobody can set."""
    return time.time() - time.monotonic()
