"""The people of a demo sale, and the programs that they use."""
