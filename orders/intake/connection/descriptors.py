"""As many open files as connections need, so that the bound is the one that was set."""

import logging
import resource

logger = logging.getLogger(__name__)

OTHER_FILES = 256  # that a process has open beside its connections


def enough_for(connections: int) -> int:
    """Return how many of so many connections can be open at once, after asking for more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    possible = max(soft - OTHER_FILES, soft // 2)
    logger.warning(
        "only %d connections of %d: raise the limit of open files", possible, connections
    )
    return possible
