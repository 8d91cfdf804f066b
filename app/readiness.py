"""The checks behind `/readyz` and `manage.py doctor`."""

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text

from app.extensions import db
from app.services.runtimes import Runtimes
from config import PROJECT


def readiness() -> dict[str, str]:
    """Return what keeps the service from answering: by name, with the reason. {} if nothing."""
    try:
        db.session.execute(text("SELECT 1"))
    except Exception as error:  # noqa: BLE001 (whatever it is, the database does not answer)
        db.session.rollback()
        return {"database": f"it does not answer ({type(error).__name__})"}
    if behind := migration_fault():
        return {"migrations": behind}
    runtimes: Runtimes = current_app.extensions["runtimes"]
    broken = runtimes.broken()
    return {"active models": "; ".join(broken.values())} if broken else {}


def migration_fault() -> str | None:
    """Return what is wrong with the state of the migrations, None if they are all applied."""
    context = MigrationContext.configure(db.session.connection())
    applied, wanted = context.get_current_revision(), head_revision()
    if applied == wanted:
        return None
    return f"the database is at {applied or 'nothing'}, this version needs {wanted}: run manage.py db upgrade"


def head_revision() -> str | None:
    """Return the newest migration of this version."""
    config = Config()
    config.set_main_option("script_location", str(PROJECT / "migrations"))
    return ScriptDirectory.from_config(config).get_current_head()
