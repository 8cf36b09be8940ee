"""Whether the environment asks for traces, and what is left out of a process where it does not."""

import sys
from collections.abc import Mapping

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def wanted(environment: Mapping[str, str]) -> bool:
    """Tell whether the variables ask for traces: by an exporter, or by an endpoint for one."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER")
    if exporter:
        return exporter != "none"
    return any(environment.get(name) for name in ENDPOINTS)


def leave_out(environment: Mapping[str, str]) -> None:
    """Load redis-py without OpenTelemetry, unless traces are wanted. Call it before anybody else.

    redis-py loads the SDK's metrics wherever they are installed, for figures of its own that are
    never asked for here: 40 ms at each start, and 2.3 MB a process.
    """
    if wanted(environment) or "opentelemetry" in sys.modules:
        return
    # None says "there is no such module" to every importer: the import system's own way.
    sys.modules["opentelemetry"] = None  # type: ignore[assignment]
    try:
        import redis  # noqa: F401
    except ImportError:  # an environment without it: only the embedded servers are started there
        return
    finally:
        del sys.modules["opentelemetry"]
