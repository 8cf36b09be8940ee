"""Beat's schedule while somebody sets the clock."""

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from celery import Celery
from django.conf import settings

from workers import beat
from workers.beat import SteadyScheduler
from workers.schedule import SCHEDULE

LONGEST_PAUSE = max(entry["schedule"] for entry in SCHEDULE.values())
HOUR = timedelta(hours=1)


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> SteadyScheduler:
    """A scheduler that sends nothing, and whose entries have run an hour from now."""
    monkeypatch.setattr(SteadyScheduler, "apply_async", lambda *_, **__: None)
    app = Celery("clocks", set_as_current=False)
    scheduler = SteadyScheduler(app=app)
    for entry in scheduler.schedule.values():
        entry.last_run_at = entry.default_now() + HOUR
    return scheduler


def latest(scheduler: SteadyScheduler) -> datetime:
    return max(entry.last_run_at for entry in scheduler.schedule.values())


def test_the_schedule_goes_on_when_the_clock_was_put_back(
    scheduler: SteadyScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back = scheduler._offset - HOUR.total_seconds()
    monkeypatch.setattr(beat, "_offset", lambda: put_back)
    assert scheduler.tick() <= LONGEST_PAUSE
    assert latest(scheduler) < clock_of(scheduler) + timedelta(seconds=1)


def test_a_clock_that_drifts_starts_nothing_over(
    scheduler: SteadyScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifted = scheduler._offset + beat.JUMP_SECONDS / 2
    monkeypatch.setattr(beat, "_offset", lambda: drifted)
    before = latest(scheduler)
    scheduler.tick()
    assert latest(scheduler) == before


def test_beat_loads_its_schedule_and_no_task() -> None:
    script = (
        "import sys; from workers.beat_app import app; from workers.beat import SteadyScheduler; "
        "app.finalize(); print(len(SteadyScheduler(app=app).schedule), app.conf.broker_url); "
        "print(*(each for each in sys.modules if each.startswith(('workers.tasks', 'orders.', "
        "'inventory', 'django.contrib'))))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    (entries, broker), loaded = ended.stdout.splitlines()[0].split(), ended.stdout.splitlines()[1]
    assert int(entries) == len(SCHEDULE)
    assert broker == settings.CELERY_BROKER_URL
    assert loaded == "orders.task_names"


def clock_of(scheduler: SteadyScheduler) -> datetime:
    """Return the time as the entries count it."""
    return next(iter(scheduler.schedule.values())).default_now()
