"""The process manager: starts, watches, replaces and ends the processes of the Procfile."""
