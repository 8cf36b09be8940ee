"""A Go program with gin and redigo: the fastest that most teams would think of."""
