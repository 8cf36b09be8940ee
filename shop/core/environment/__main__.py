"""`python -m shop.core.environment docs/configuration.md`: write the tables of variables anew."""

import sys
from pathlib import Path

from .document import written

if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
