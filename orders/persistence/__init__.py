"""From the outbox into the ledger: each accepted order becomes rows once, or a dead letter."""
