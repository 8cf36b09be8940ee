"""The one map from errors to the problems that callers get."""

import redis
from django.db import DatabaseError

from inventory.errors import CountersLost, CountersUnavailable, SaleUnknown
from orders.errors import ReferenceCacheUnavailable, Undecided
from shop.core.processes.threads import Overloaded

from . import problems
from .problems import Problem, Refused
from .replies import unavailable


def known_problem(error: Exception) -> Problem | None:
    """Return the problem that an error is to a caller, None for a fault of the program."""
    match error:
        case Refused():
            return error.problem
        case SaleUnknown():
            return Problem(problems.NOT_FOUND, str(error))
        case Undecided() | Overloaded():
            return unavailable(str(error))
        case DatabaseError() | ReferenceCacheUnavailable():
            return unavailable("PostgreSQL does not answer.")
        case redis.RedisError() | CountersUnavailable():
            return unavailable("Redis does not answer.")
        case CountersLost():
            return unavailable("The sale's counters are not there.")
    return None


def problem_of(error: Exception) -> Problem:
    """Return the problem that an error is to a caller. Raises the error where there is none."""
    problem = known_problem(error)
    if problem is None:
        raise error
    return problem
