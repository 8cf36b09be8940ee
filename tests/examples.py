"""How often a thing is tried: a quarter as often in `make test` as in `make test-all`.

What is tried is chosen anew in each run, so that many short runs see as much as a long one.
"""

from hypothesis import settings

ALL = 100


def install() -> None:
    """Let `--hypothesis-profile=thorough` choose; no example is judged by how long it took."""
    settings.register_profile("quick", max_examples=ALL // 4, deadline=None)
    settings.register_profile("thorough", max_examples=ALL, deadline=None)
    settings.load_profile("quick")


def is_thorough() -> bool:
    """Tell whether everything is to be tried in this run."""
    return settings().max_examples >= ALL


def share_of(examples: int) -> int:
    """Return how many of `examples` are to be tried in this run, one at least."""
    return max(1, examples * settings().max_examples // ALL)
