"""The listening socket of the web process, held by the manager so that it outlives each process.

While no process serves it, connections wait in its queue and are not refused: sd_listen_fds(3) and
every server that restarts without a gap work like this.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from shop.local.servers.ports import require_free
from shop.local.web import Web

BACKLOG = 2048  # connections that may wait; uvicorn's own bound


@contextmanager
def listening(web: Web, *, variable: str) -> Iterator[socket.socket]:
    """Yield a socket that listens on the address of `web`, and close it at the end.

    Raises PortTaken, naming the `variable` to set, or another LocalStackError.
    """
    require_free(web.host, web.port, variable=variable)
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    # With SO_REUSEADDR: connections of a stack that has just ended do not count.
    with socket.create_server((web.host, web.port), family=family, backlog=BACKLOG) as listener:
        yield listener
