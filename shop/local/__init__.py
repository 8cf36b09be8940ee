"""The local stack: embedded PostgreSQL and Redis, and every process of the project beside them.

Import the module you need. This package imports nothing, because the settings import `discovery`.
"""
