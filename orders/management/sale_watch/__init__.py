"""The output of `manage.py watch`: a running sale, for terminals and for programs."""
