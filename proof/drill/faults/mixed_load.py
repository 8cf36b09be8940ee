"""No fault, but everything at once: the short form of `make soak`."""

from proof.drill.fault_context import FaultContext
from proof.soak.report import conclusion
from proof.soak.soaking import soak

SECONDS = 60.0
RATE = 30.0  # orders a second, beside those of the drill


async def a_minute_of_everything(context: FaultContext) -> None:
    """A minute of payments, failures, cancellations and ends of holds: every duty is on time."""
    sale = f"{context.slugs[0]}-soak"
    result = await soak(context.stack, sale, seconds=SECONDS, rate=RATE)
    lines = [*conclusion(result)]
    (context.notes if result.held else context.broken).extend(lines)
