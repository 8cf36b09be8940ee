"""FastAPI with redis-py: an asynchronous Python service as its documentation teaches it."""
