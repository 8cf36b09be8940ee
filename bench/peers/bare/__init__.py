"""The limit of one Python process: a reply, and nothing done for it."""
