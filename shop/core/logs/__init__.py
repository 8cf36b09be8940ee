"""Log lines: their form, their fields, and what is left out."""
