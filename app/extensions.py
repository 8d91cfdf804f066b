"""The extensions, made unbound here and bound to the application in the factory."""

from flask.globals import _cv_app
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from app.models import Base

# Each application context has a session of its own, as by default, found without a call of Python.
db = SQLAlchemy(metadata=Base.metadata, session_options={"scopefunc": _cv_app.get})
migrate = Migrate()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address, strategy="fixed-window")
