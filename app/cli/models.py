"""`manage.py models`: the registry."""

import getpass
import json
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from app.database.connections import connector
from app.extensions import db
from app.services import feature_indexes, model_access, registry
from app.services.registry import Registration
from app.services.runtimes import Runtimes
from app.services.users import find_user


@click.group()
def models() -> None:
    """Registered models and their versions."""


@models.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", required=True, help="Small letters, digits and hyphens.")
@click.option("--data", required=True, type=click.Path(path_type=Path, dir_okay=False),
              help="A CSV file of example rows, one column per input.")  # fmt: skip
@click.option("--target", help="The column of the CSV file that holds the true answer.")
@click.option("--title", help="What people read.")
@click.option("--description", help="What the model is for.")
@click.option("--owner", help="The email address of the person responsible.")
@click.option("--restricted/--open", default=None,
              help="Only for those it is granted to, or for every analyst (the default).")  # fmt: skip
@click.option("--activate", is_flag=True, help="Let this version answer from now on.")
@with_appcontext
def register(
    path: Path, name: str, data: Path, target: str | None, title: str | None,
    description: str | None, owner: str | None, restricted: bool | None, activate: bool,
) -> None:  # fmt: skip
    """Check a joblib file against examples, store it, and print NAME VERSION.

    Corrections to what is read from the examples come from the YAML file beside PATH. PATH is
    executed as code when it is loaded: register only what you trust.

    \b
    Example:
        manage.py models register churn.joblib --name churn --data rows.csv --target left --activate
    """
    given = Registration(
        name=name, path=path, data=data, target=target, title=title, description=description,
        owner=find_user(owner) if owner else None, restricted=restricted,
        registered_by=f"{getpass.getuser()} (command line)",
    )  # fmt: skip
    number = registry.register_version(given).number
    if activate:
        registry.activate_version(name, number)
    db.session.commit()
    click.echo(f"{name} {number}")


@models.command("list")
@with_appcontext
def list_all() -> None:
    """List all models: name, active version, open or restricted, title."""
    for model in registry.list_models():
        access = "restricted" if model.restricted else "open"
        click.echo(f"{model.name}\t{model.active_number or '-'}\t{access}\t{model.title}")


@models.command()
@click.argument("name")
@with_appcontext
def show(name: str) -> None:
    """Show a model with all its versions, as JSON."""
    document = registry.model_document(registry.get_model(name))
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


@models.command()
@click.argument("name")
@click.argument("version", type=int)
@with_appcontext
def activate(name: str, version: int) -> None:
    """Let a version answer from now on. It is loaded first: one that does not load is refused."""
    runtimes: Runtimes = current_app.extensions["runtimes"]
    runtimes.load(name, version)
    registry.activate_version(name, version)
    db.session.commit()
    click.echo(f"{name} {version}")


@models.command()
@click.argument("name")
@with_appcontext
def deactivate(name: str) -> None:
    """Let no version of a model answer until one is activated again."""
    registry.deactivate_model(name)
    db.session.commit()
    click.echo(name)


@models.command()
@click.argument("name")
@click.argument("version", type=int)
@with_appcontext
def retire(name: str, version: int) -> None:
    """Take a version out of use for good. Its records and its artifact stay."""
    registry.retire_version(name, version)
    db.session.commit()
    click.echo(f"{name} {version}")


@models.command()
@click.argument("name")
@click.argument("email")
@with_appcontext
def grant(name: str, email: str) -> None:
    """Let an analyst use a restricted model and see its records."""
    model_access.grant_model(name, find_user(email))
    db.session.commit()


@models.command()
@click.argument("name")
@click.argument("email")
@with_appcontext
def ungrant(name: str, email: str) -> None:
    """Take a grant back."""
    model_access.revoke_grant(name, find_user(email))
    db.session.commit()


@models.command()
@click.argument("name")
@with_appcontext
def restrict(name: str) -> None:
    """Close a model to all analysts but its owner and those it is granted to."""
    model_access.set_restricted(name, True)
    db.session.commit()


@models.command("open")
@click.argument("name")
@with_appcontext
def open_to_all(name: str) -> None:
    """Open a model to every analyst."""
    model_access.set_restricted(name, False)
    db.session.commit()


@models.command()
@click.argument("name", required=False)
@click.argument("field", required=False)
@click.option("--drop", is_flag=True, help="Drop it again.")
@with_appcontext
def index(name: str | None, field: str | None, drop: bool) -> None:
    """Make searches by a field quick, or list the fields for which that was done.

    The index is of all models that have the field; run it again when another model has got it. Each such field
    costs a little for every later record of these models. Records are made meanwhile as ever.

    \b
    Example:
        manage.py models index churn age
    """
    connect = connector(current_app.extensions["settings"], as_owner=True)
    if name is None or field is None:
        for line in feature_indexes.indexed_fields(connect):
            click.echo(f"{line.field} of {', '.join(line.models)}")
    elif drop:
        feature_indexes.drop_index(connect, name, field)
    else:
        for partition in feature_indexes.index_field(connect, name, field):
            click.echo(partition, err=True)
