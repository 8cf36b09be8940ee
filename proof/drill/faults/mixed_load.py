"""No fault, but everything at once: the short form of `make soak`."""

from proof.drill.fault_context import Scene
from proof.soak.report import conclusion
from proof.soak.soaking import soak

SECONDS = 60.0
RATE = 30.0  # orders a second, beside those of the drill


async def a_minute_of_everything(scene: Scene) -> None:
    """A minute of payments, failures, cancellations and ends of holds: every duty is on time."""
    sale = f"{scene.slugs[0]}-soak"
    soaked = await soak(scene.stack, sale, seconds=SECONDS, rate=RATE)
    told = [*conclusion(soaked)]
    (scene.notes if soaked.held else scene.broken).extend(told)
