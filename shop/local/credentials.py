"""Generated passwords and keys of a local stack, in a file that only its owner can read."""

import json
import os
from pathlib import Path


class Credentials:
    """A small dictionary in `state`/credentials.json."""

    def __init__(self, state: Path) -> None:
        self._path = state / "credentials.json"

    def get(self, name: str) -> str | None:
        """Return what was kept as `name`, if anything."""
        return self._read().get(name)

    def keep(self, name: str, value: str) -> None:
        """Keep `value` as `name`."""
        self._write({**self._read(), name: value})

    def forget(self, name: str) -> None:
        """Keep nothing as `name`."""
        self._write({kept: value for kept, value in self._read().items() if kept != name})

    def _write(self, values: dict[str, str]) -> None:
        draft = self._path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        # With its mode from the beginning: there is no moment in which others could read it.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(values, file, indent=2)
        draft.replace(self._path)

    def _read(self) -> dict[str, str]:
        try:
            values: dict[str, str] = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return values
