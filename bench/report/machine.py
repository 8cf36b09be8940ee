"""The surroundings of a measurement: machine, programs, and the state of the code."""

import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from shop.local.discovery import REPOSITORY
from shop.local.errors import NoProgram
from shop.local.servers.programs import find_postgres, find_redis

SECONDS = 10.0


def machine() -> dict[str, Any]:
    """Return the hardware and the system."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Return the version of each program, of those that are here."""
    found = {"python": platform.python_version(), "go": _first_line("go", "version")}
    with suppress(NoProgram):
        found["redis"] = _first_line(str(find_redis().path), "--version")
        found["postgresql"] = _first_line(str(find_postgres().path), "--version")
    found["wrk"] = _first_line("wrk", "--version")
    return {name: version for name, version in found.items() if version}


def commit() -> str:
    """Return the commit, with a plus behind it where files differ from it; "" outside git."""
    revision = _first_line("git", "rev-parse", "HEAD")
    changed = _first_line("git", "status", "--porcelain")
    return revision + ("+" if revision and changed else "")


def _cpu_model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _first_line(*command: str) -> str:
    """Return the first line that a program prints, "" where there is none."""
    try:
        done = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return next(iter((done.stdout or done.stderr).splitlines()), "").strip()
