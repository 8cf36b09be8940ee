"""Which traces are recorded: the standard's samplers, decided before any span is made.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
"""

import logging
import random
from collections.abc import Mapping
from typing import NamedTuple, Self

from .traceparent import is_sampled

logger = logging.getLogger(__name__)

DEFAULT_SAMPLER = "parentbased_traceidratio"
DEFAULT_RATIO = 0.01
_RATIOS = {"always_on": 1.0, "always_off": 0.0}
_PARENT_BASED = "parentbased_"


class Sampling(NamedTuple):
    """Which traces are recorded: those whose parent is, and a share of those that begin here."""

    heeds_parent: bool = True
    ratio: float = DEFAULT_RATIO

    @classmethod
    def chosen(cls, environment: Mapping[str, str]) -> Self:
        """Return what OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say; 1 % by default."""
        name = environment.get("OTEL_TRACES_SAMPLER") or ""
        kind, by_default = name.removeprefix(_PARENT_BASED), 1.0
        if kind not in (*_RATIOS, "traceidratio"):
            if name:
                logger.warning("OTEL_TRACES_SAMPLER=%s is not known: %s", name, DEFAULT_SAMPLER)
            name, kind, by_default = DEFAULT_SAMPLER, "traceidratio", DEFAULT_RATIO
        ratio = _ratio(environment.get("OTEL_TRACES_SAMPLER_ARG"), by_default)
        return cls(name.startswith(_PARENT_BASED), _RATIOS.get(kind, ratio))

    def takes(self, traceparent: str) -> bool:
        """Decide whether to record what a caller with this traceparent ("" for none) asks for."""
        if traceparent and self.heeds_parent:
            return is_sampled(traceparent)
        return random.random() < self.ratio  # noqa: S311 - a sample, not a secret


def _ratio(text: str | None, by_default: float) -> float:
    if not text:
        return by_default
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        logger.warning(
            "OTEL_TRACES_SAMPLER_ARG=%s is no share from 0 to 1: %g instead", text, by_default
        )
        return by_default
    return ratio
