"""Reads the Procfile, the one list of the project's processes; honcho and foreman read it too."""

import re
from pathlib import Path

LINE = re.compile(r"([\w-]+):\s*(\S.*)")


def read_procfile(path: Path) -> dict[str, str]:
    """Return the shell command of each process by its name, in the order of the file."""
    lines = path.read_text().splitlines()
    return {match[1]: match[2] for line in lines if (match := LINE.match(line))}
