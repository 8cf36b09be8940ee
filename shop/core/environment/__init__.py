"""The environment's variables: one typed table, read and checked in one place."""

from .forms import secret_bytes
from .reading import Environment, Unusable, stop_if_unusable
from .rules import is_loopback, is_reachable
from .stores import default_store

__all__ = [
    "Environment",
    "Unusable",
    "default_store",
    "is_loopback",
    "is_reachable",
    "secret_bytes",
    "stop_if_unusable",
]
