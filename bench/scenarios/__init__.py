"""The scenarios by name, in the order in which they are run."""

from bench.scenario import Scenario

from . import (
    accept,
    cpu,
    durability,
    end_to_end,
    growth,
    latency,
    limits,
    memory,
    scaling,
    shapes,
    sold_out,
    sustained,
)

MODULES = (
    limits,
    accept,
    sold_out,
    end_to_end,
    sustained,
    latency,  # after `sustained`, whose rate it takes shares of
    shapes,
    durability,
    growth,
    memory,
    cpu,
    scaling,
)
SCENARIOS: dict[str, Scenario] = {module.SCENARIO.name: module.SCENARIO for module in MODULES}
