"""What each side says of a demo sale: its clients, its webhook receiver, PostgreSQL."""
