"""The base of every page of the web admin."""
