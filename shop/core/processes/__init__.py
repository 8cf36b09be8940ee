"""A process among others: its threads, its health, its start and its end."""
