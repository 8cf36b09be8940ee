"""Settings: everything that differs between deployments comes from the environment.

`docs/configuration.md` lists every variable. Where DATABASE_URL and REDIS_URL are unset, the
servers of the local stack (`make up`) are used. Each module here holds one part.
"""

from .admin import *
from .apps import *
from .base import *
from .bounds import *
from .logs import *
from .notifications import *
from .payments import *
from .security import *
from .stores import *
from .tasks import *
