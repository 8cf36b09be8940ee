"""What is shown and written of results: tables, JSON, a chart, and the machine they are from."""
