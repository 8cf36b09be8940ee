"""Profiles of a process at work: what the sampler sees, and how it is asked."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from shop.core.profiling import another_process, in_process, speedscope
from shop.core.profiling.another_process import NoProfile, Process
from tests.processes import ROOT, await_condition

BUSY = """
import django, sys
django.setup()
from shop.core.profiling import in_process as profiling
profiling.listen("web")
print("ready", flush=True)

def spin_the_wheel():
    while True:
        sum(range(100))

spin_the_wheel()
"""


@pytest.fixture(autouse=True)
def _state(settings: Settings, tmp_path: Path) -> None:
    settings.STATE_DIR = tmp_path


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that can be profiled, and works hard."""
    environment = {**os.environ, "SHOP_STATE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", BUSY]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def profile(*arguments: str) -> str:
    shown = StringIO()
    call_command("profile_process", *arguments, stdout=shown, stderr=StringIO())
    return shown.getvalue().strip()


def frames(document: dict[str, Any]) -> str:
    return " ".join(frame["name"] for frame in document["shared"]["frames"])


def test_the_sampler_sees_what_other_threads_do_and_not_itself() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="patient")
    thread.start()
    try:
        seen = in_process.sample(0.3)
    finally:
        over.set()
        thread.join()
    patient = [stack for stack in seen if stack[0] == "patient"]
    assert any("Event.wait" in frame for stack in patient for frame in stack)
    assert not any("sample (" in frame for stack in seen for frame in stack)


def test_a_profile_is_a_document_that_viewers_read() -> None:
    looks = Counter({("main", "a", "b"): 30, ("main", "a"): 10, ("other", "b"): 5})
    document = speedscope.document(looks, name="web-1", hertz=10)
    assert document["$schema"] == speedscope.SCHEMA
    main, other = document["profiles"]
    assert (main["name"], main["endValue"], main["weights"]) == ("main", 4.0, [3.0, 1.0])
    assert other["unit"] == "seconds"
    names = [frame["name"] for frame in document["shared"]["frames"]]
    assert [[names[n] for n in stack] for stack in main["samples"]] == [["a", "b"], ["a"]]
    assert speedscope.collapsed(document) == "main;a;b 3000\nmain;a 1000\nother;b 500\n"


def test_a_process_profiles_itself_when_it_is_asked(busy: subprocess.Popen[str]) -> None:
    path = Path(profile("web", "--seconds", "0.5", "--builtin"))
    assert "spin_the_wheel" in frames(json.loads(path.read_text()))
    assert busy.poll() is None
    again = Path(profile(str(busy.pid), "--seconds", "0.1", "--builtin", "--collapsed"))
    assert "spin_the_wheel" in again.read_text()


def test_a_bare_signal_is_enough(busy: subprocess.Popen[str], tmp_path: Path) -> None:
    in_process.requested_file(busy.pid).write_text("0.1")
    os.kill(busy.pid, signal.SIGUSR2)
    await_condition(
        "a profile is written", lambda: list(tmp_path.glob("profiles/*.speedscope.json"))
    )


def test_processes_are_listed_while_they_live(busy: subprocess.Popen[str], tmp_path: Path) -> None:
    assert another_process.listening() == [Process(busy.pid, "web")]
    assert str(busy.pid) in profile()
    busy.kill()
    busy.wait()
    assert another_process.listening() == []
    assert not list(tmp_path.glob("profiles/*.process"))


def test_nobody_is_signalled_who_does_not_listen() -> None:
    with pytest.raises(CommandError, match="0 processes are '1'"):
        profile("1")


@pytest.mark.parametrize("seconds", ["0", "61", "nan", "x"])
def test_a_profile_has_a_bound(seconds: str) -> None:
    with pytest.raises(CommandError, match="is no time from"):
        profile("web", "--seconds", seconds)


def test_without_py_spy_somebody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(another_process.shutil, "which", lambda *_, **__: None)
    with pytest.raises(NoProfile, match="not installed"):
        another_process.by_py_spy(Process(1, "web"), 1.0)


def test_old_profiles_go(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    for number in range(in_process.KEPT + 5):
        file = tmp_path / "profiles" / f"web-1-{number}.speedscope.json"
        file.touch()
        os.utime(file, (number, number))
    in_process._remove_old()
    left = {file.name for file in tmp_path.glob("profiles/*")}
    assert len(left) == in_process.KEPT
    assert "web-1-0.speedscope.json" not in left
