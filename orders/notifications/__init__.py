"""Telling people of events: webhooks, e-mail and SMS, each delivery a row that is tried until it is
delivered or given up.

A channel turns claims into outcomes (`outcomes.py`) and knows nothing of rows, attempts or waits.
One that sends message by message is one function, run by `rounds.py`; webhooks, many at once, have
a pump of their own (`webhooks.py`).
"""
