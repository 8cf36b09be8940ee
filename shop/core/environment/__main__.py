"""`python -m shop.core.environment [docs/configuration.md]`: check all; write the tables anew.

Without a file nothing is left to do here: the package has checked the variables as it was imported.
"""

import sys
from pathlib import Path

from .document import written

if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
