"""OpenTelemetry traces, where the environment asks for them."""
