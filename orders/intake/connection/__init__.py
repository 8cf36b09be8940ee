"""HTTP connections with bounds, on which everything else builds (docs/adr/0021)."""
