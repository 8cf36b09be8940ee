"""The operators' console: dashboard, live sale page with its switches, people and their roles."""
