"""manage.py profile_process: profile a web process or a worker while it works."""

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from shop.core.command_line.commands import OperatorCommand, in_plain_words
from shop.core.command_line.terminal import Display
from shop.core.profiling import another_process, speedscope
from shop.core.profiling.another_process import NoProfile, Process
from shop.core.profiling.in_process import MAX_SECONDS, SECONDS


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 0.1 to {MAX_SECONDS:g} seconds")
    return seconds


class Command(OperatorCommand):
    help = (
        "Profile a process of this machine while it works, and write a file for "
        "https://www.speedscope.app. Without PROCESS: list the processes."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("process", nargs="?", help="a pid, or a role that only one has: web")
        parser.add_argument(
            "--seconds", type=_seconds, default=SECONDS, help=f"up to {MAX_SECONDS:g}; default 10"
        )
        parser.add_argument(
            "--builtin",
            action="store_true",
            help="by the process itself, even if py-spy is installed",
        )
        parser.add_argument("--collapsed", action="store_true", help="collapsed stacks beside it")

    def handle(self, *args: Any, **options: Any) -> None:
        processes = another_process.listening()
        if options["process"] is None:
            Display(self.stdout, options).table(
                ["role", "pid"], [(p.role, p.pid) for p in processes]
            )
            return
        path = self._profile(_chosen(processes, options["process"]), options)
        if options["collapsed"]:
            path = _collapsed(path)
        self.stdout.write(str(path))

    def _profile(self, process: Process, options: dict[str, Any]) -> Path:
        """Return the path of the profile, made by py-spy or else by the process itself."""
        if not options["builtin"]:
            try:
                return another_process.by_py_spy(process, options["seconds"])
            except NoProfile as error:
                self.stderr.write(f"{error}; the process profiles itself instead.")
        with in_plain_words(NoProfile):
            return another_process.by_itself(process, options["seconds"])


def _chosen(processes: list[Process], wanted: str) -> Process:
    found = [process for process in processes if wanted in (process.role, str(process.pid))]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{process.role} {process.pid}" for process in processes) or "none"
    raise CommandError(f"{len(found)} processes are {wanted!r}. These can be profiled: {listed}")


def _collapsed(path: Path) -> Path:
    text = speedscope.collapsed(json.loads(path.read_text()))
    target = path.with_name(path.name.replace(".speedscope.json", ".collapsed.txt"))
    target.write_text(text)
    return target
