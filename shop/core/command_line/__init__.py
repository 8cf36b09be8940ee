"""The management command line."""
