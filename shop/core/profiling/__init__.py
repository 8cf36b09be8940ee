"""Profiles of processes that are at work."""
