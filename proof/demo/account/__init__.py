"""The accounts of a demo sale: of its clients, its webhook receiver and PostgreSQL."""
