"""The entry point: every error becomes one clear line and exit code 1."""

import signal
import sys
from typing import Any

import click
import psycopg2.errors
import sqlalchemy.exc
from flask.cli import FlaskGroup

from app.database.binaries import EmbeddedPostgresError
from app.database.errors import is_database_away
from app.services.errors import ServiceError
from config import SettingsError, load_settings

_TALKATIVE = {"serve", "work"}


class Menu(FlaskGroup):
    """Flask's group of commands, with errors for people."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what the domain or the database refuses is one line on standard error."""
        try:
            return super().invoke(ctx)
        except ServiceError as error:
            raise click.ClickException(error.detail) from error
        except EmbeddedPostgresError as error:
            raise click.ClickException(str(error)) from error
        except sqlalchemy.exc.ProgrammingError as error:
            if isinstance(error.orig, psycopg2.errors.UndefinedTable):
                raise click.ClickException(
                    "The database lacks tables that this version needs. Run: manage.py db upgrade"
                ) from error
            raise
        except Exception as error:
            if is_database_away(error):
                words = " ".join(str(error).split())
                raise click.ClickException(f"The database does not answer: {words}") from error
            raise


def main() -> None:
    """Run the menu with the settings of the environment."""
    from app import create_app

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    if not _TALKATIVE.intersection(sys.argv[1:2]) and settings.log_level == "INFO":
        settings = settings.model_copy(update={"log_level": "CRITICAL"})
    # As Ctrl-C does: whoever was started here is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    menu = Menu(
        create_app=lambda: create_app(settings),
        add_default_commands=False,
        add_version_option=False,
        load_dotenv=False,
        help="Daybook: a prediction service of record.",
    )
    menu.params.clear()
    menu.main(prog_name="manage.py")
