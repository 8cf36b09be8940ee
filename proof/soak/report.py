"""A soak in lines: one for each minute, then what grew, what was late and what was wrong. Pure."""

from collections.abc import Iterator

from proof.percentiles import percentile

from .minute import DUTIES, MEGABYTE, Minute, growth
from .soaking import SoakResult

DONE = ("orders", "repeats", "reads", "payments", "cancellations", "ends of holds")
HEAD = (
    "minute │    a second: orders repeats reads payments cancelled holds ended │ ms p50 p99 │ "
    "late s: orders holds releases payments deliveries │ MB: all Redis database │ dead rows │ "
    "restarts │ discarded"
)


def line(number: int, minute: Minute) -> str:
    """Return one minute's figures, under HEAD."""
    rates = " ".join(f"{minute.rate(what):.0f}" for what in DONE)
    times = " ".join(f"{percentile(minute.latencies, p) * 1000:.0f}" for p in (50, 99))
    late = " ".join(f"{minute.latest(duty):.1f}" for duty in DUTIES)
    stores = minute.stores
    sizes = (sum(minute.memory.values()), stores.redis_bytes, stores.database_bytes)
    memory = " ".join(f"{size / MEGABYTE:.0f}" for size in sizes)
    dead = f"{stores.dead_rows:,} ({stores.dead_share:.0%})"
    return (
        f"{number:6} │ {rates} │ {times} │ {late} │ {memory} │ {dead} │ "
        f"{minute.restarts} │ {minute.discarded}"
    )


def memory_line(minute: Minute) -> str:
    """Return the memory of each process."""
    sizes = (f"{name} {size / MEGABYTE:.0f}" for name, size in sorted(minute.memory.items()))
    return f"       MB: {', '.join(sizes)}"


def conclusion(result: SoakResult) -> Iterator[str]:
    """Yield what there is to say at the end, the verdict last."""
    for name, rate in sorted(growth(result.minutes).items()):
        if rate >= 1:
            yield f"{name} grew by {rate:.1f} MB a minute."
    for duty, how in result.late.items():
        yield f"Not on time: {duty}, {how}."
    for what, times in result.wrong.items():
        yield f"Wrong: {times:,} × {what}."
    yield (
        f"{result.accepted:,} orders: every duty was on time, every unit is accounted for."
        if result.held
        else f"{result.accepted:,} orders: BROKEN."
    )
