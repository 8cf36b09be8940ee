"""Runs Flower, and refuses to show it to the network without a password.

Flower can stop and reconfigure workers, so who reaches it owns them. Reads FLOWER_ADDRESS
(127.0.0.1), FLOWER_PORT (5555) and FLOWER_BASIC_AUTH (`user:password`, which Flower reads itself).
"""

import os
import sys
from collections.abc import Mapping

from shop.core.environment import is_loopback


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Become Flower, or end with the reason why not."""
    address = environ.get("FLOWER_ADDRESS") or "127.0.0.1"
    port = environ.get("FLOWER_PORT") or "5555"
    if not is_loopback(address) and ":" not in environ.get("FLOWER_BASIC_AUTH", ""):
        sys.exit(f"Flower on {address} needs a password: set FLOWER_BASIC_AUTH=user:password")
    # The options win over a flowerconfig.py, so the address checked is the address used.
    options = [f"--address={address}", f"--port={port}"]
    os.execv(  # noqa: S606 - no shell, and its output is ours
        sys.executable, [sys.executable, "-m", "celery", "-A", "shop", "flower", *options]
    )


if __name__ == "__main__":
    main()
