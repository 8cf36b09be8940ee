"""The load: in a closed loop by wrk, in an open one by a generator of our own."""
