"""Reads the Procfile, the one list of the project's processes; honcho and foreman read it too."""

import re
from collections.abc import Mapping
from pathlib import Path

LINE = re.compile(r"([\w-]+):\s*(\S.*)")
QUEUES = re.compile(r" --queues (\S+)")
PROFILES = {"full": "Procfile", "small": "Procfile.small"}


def read_procfile(path: Path) -> dict[str, str]:
    """Return the shell command of each process by its name, in the order of the file."""
    lines = path.read_text().splitlines()
    return {match[1]: match[2] for line in lines if (match := LINE.match(line))}


def read_profile(folder: Path, name: str) -> dict[str, str]:
    """Return the processes of a profile, "" for the usual one."""
    return read_procfile(folder / PROFILES[name or "full"])


def queues_of(processes: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the queues that each Celery worker among `processes` reads, the first one foremost."""
    found = {name: QUEUES.search(command) for name, command in processes.items()}
    return {name: match[1].split(",") for name, match in found.items() if match}
