"""Signing in to the admin: throttled, bounded in what it costs, and with a second factor."""
