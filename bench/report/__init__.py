"""The forms of a result: tables, JSON, a chart, and the machine they are from."""
