"""Results as JSON for programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.options import Options
from bench.result import Result

from .machine import commit, machine, versions


def heading(options: Options) -> dict[str, Any]:
    """Return what is known before anything is measured."""
    return {
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "settings": {**asdict(options), "state": str(options.state)},
    }


def write(file: Path, head: Mapping[str, Any], results: Mapping[str, Result]) -> None:
    """Write the results so far; whoever reads the file sees the old one or the new, never half."""
    scenarios = {name: result.document() for name, result in results.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(json.dumps({**head, "scenarios": scenarios}, indent=2) + "\n")
    draft.replace(file)
