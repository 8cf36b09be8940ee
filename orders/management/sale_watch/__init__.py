"""A sale while it runs, for people at a terminal and for programs: what `manage.py watch` shows."""
