"""The sources of all settings: the environment, the checkout and the folder of local state."""

import os
from collections.abc import Callable
from pathlib import Path

from shop.core.environment import Environment
from shop.local import discovery

BASE_DIR = Path(__file__).resolve().parents[2]
STATE_DIR = discovery.state_dir()
env = Environment(os.environ)


def kept_secret(name: str, make: Callable[[], str]) -> str:
    """Return the secret `name` of this state directory, made on first use and kept.

    It serves one machine. Several machines need one secret between them, from the environment.
    """
    path = STATE_DIR / name
    try:
        return path.read_text()
    except FileNotFoundError:
        STATE_DIR.mkdir(parents=True, exist_ok=True)
    secret = make()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret)
    except FileExistsError:  # another process of the same start was faster
        return path.read_text()
    return secret
