"""`manage.py ledger`: the book's proofs."""

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext

from app.extensions import db
from app.garbage import spare_the_collector
from app.jobs.background import running
from app.jobs.seal_records import seal_until
from app.ledger.strict_text import FormatError
from app.sealer.publishing import SplitViewError
from app.sealer.sealer import Sealer
from app.sealer.signing import KeyStore, SigningKey, SigningKeyError, new_name
from app.services import books, erasure, proofs
from app.services import ledger as service
from app.services.new_book import begin_new_book
from app.services.signing_keys import change_key
from app.signals import told_to_end
from config import Settings
from verifier.errors import Rejected
from verifier.notes import Key


@click.group()
def ledger() -> None:
    """The ledger: records sealed in a tree that anyone can check."""


@ledger.command()
@click.option("--watch", is_flag=True, help="Go on until told to stop.")
@with_appcontext
def seal(watch: bool) -> None:
    """Seal what waits, and publish the checkpoint. Prints the size of the book.

    `manage.py serve` does this by itself; more than one at a time do no harm.
    """
    sealer: Sealer = current_app.extensions["sealer"]
    if watch:
        _watch(sealer)
        return
    spare_the_collector()
    try:
        size = sealer.seal_all()
    except (SigningKeyError, SplitViewError) as error:
        raise click.ClickException(str(error)) from error
    if size is None:
        raise click.ClickException("Another sealer is at work.")
    click.echo(size)


@ledger.command()
@with_appcontext
def status() -> None:
    """Show where the book stands: size, root, what waits, and how far the sinks are."""
    sealer: Sealer = current_app.extensions["sealer"]
    now = service.status([sink.name for sink in sealer.sinks])
    click.echo(f"origin\t{now.origin or 'none yet'}")
    click.echo(f"size\t{now.size}")
    click.echo(f"root\t{now.root.hex()}")
    click.echo(f"signed\t{_moment(now.signed_at)}")
    click.echo(f"pending\t{now.pending}")
    click.echo(f"oldest pending\t{_age(now.oldest_pending_at)}")
    click.echo(f"findings\t{now.findings}")
    for sink in now.sinks:
        behind = now.size - (sink.size or 0)
        click.echo(f"sink {sink.name}\t{behind} behind\t{sink.error or 'fine'}")
    if not now.sinks:
        click.echo("No sink is set: see DAYBOOK_CHECKPOINT_SINKS in docs/operating.md.", err=True)


@ledger.command()
@with_appcontext
def checkpoint() -> None:
    """Print the newest checkpoint."""
    click.echo(service.newest_checkpoint().note, nl=False)


@ledger.command()
@click.argument("identifier", metavar="ID", type=click.UUID)
@with_appcontext
def proof(identifier: UUID) -> None:
    """Print the proof that a record is in the book.

    \b
    Example:
        manage.py ledger proof 019e… > record.tlog-proof
        python -m verifier proof record.tlog-proof --key "$(manage.py ledger keys list | tail -1)"
    """
    click.echo(proofs.proof_of(identifier).to_text(), nl=False)


@ledger.command()
@click.argument("identifier", metavar="ID", type=click.UUID)
@with_appcontext
def record(identifier: UUID) -> None:
    """Print a record with the very texts that were committed to, for `python -m verifier proof --record`."""
    entry = proofs.entry_of(identifier)
    click.echo(proofs.record_document(entry.kind, identifier))


@ledger.command()
@click.option(
    "--key",
    "given",
    multiple=True,
    help="A public key to believe; those of this installation if not given.",
)
@with_appcontext
def verify(given: tuple[str, ...]) -> None:
    """Verify the whole book in the database. Exits with 1 if anything is wrong.

    Whoever runs this machine could have changed the program too: an auditor runs the verifier elsewhere,
    with `python -m verifier database` or on an export.
    """
    try:
        trusted = frozenset(Key.parse(key) for key in given or _own_keys())
    except Rejected as error:
        raise click.BadParameter(f"{error}.", param_hint="--key") from error
    with click.progressbar(
        length=service.newest_checkpoint().size, label="Leaves", file=sys.stderr
    ) as bar:
        report = books.verify_stored_book(trusted, progress=lambda done: bar.update(done - bar.pos))
    for line in report.lines():
        click.echo(line)
    if not report.is_good:
        sys.exit(1)


@ledger.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@with_appcontext
def export(folder: Path) -> None:
    """Write the whole book to a new folder, for `python -m verifier bundle DIR`. Prints its size.

    It has everything that was asked and answered: keep it as safe as the database.
    """
    size = service.newest_checkpoint().size
    with click.progressbar(length=size, label="Leaves", file=sys.stderr) as bar:
        done = books.export_book(folder, _own_keys(), progress=lambda n: bar.update(n - bar.pos))
    click.echo(done.size)


@ledger.command("begin-anew")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--basis", required=True, help="What was lost, and why.")
@click.option(
    "--name", help="The name of the new book; the old one with the next number if not given."
)
@with_appcontext
def begin_anew(folder: Path, basis: str, name: str | None) -> None:
    """Begin a new book after a real loss. Prints its public key: give that to your auditors.

    Stop the service before, and run this with the DATABASE_URL that `manage.py db upgrade` is run with.
    The old book is exported to DIR first, as far as it is there. Then every record waits to be sealed in
    the new one, whose first leaf tells of the loss. Set new sinks before: the old ones have the old book.

    \b
    Example:
        manage.py ledger begin-anew /safe/log-1 --basis "restored from the backup of 20 November"
    """
    store: KeyStore = current_app.extensions["ledger_keys"]
    try:
        exported = books.export_book(folder, _own_keys())
        public = begin_new_book(
            store, exported=exported.size, basis=basis, name=name, actor_id=None
        )
        db.session.commit()
    except FormatError as error:
        raise click.BadParameter(f"{error}.", param_hint="--name") from error
    except SigningKeyError as error:
        raise click.ClickException(str(error)) from error
    click.echo(public.to_text())


@ledger.command("replay-erasures")
@click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@with_appcontext
def replay_erasures(folder: Path) -> None:
    """Erase again what an exported book says is erased. Prints how many records it was.

    After a restore from a backup that is older than erasures, before the service is opened.
    """
    count = erasure.replay_erasures(
        books.erased_in(folder), basis=f"as in the export {folder.name}"
    )
    db.session.commit()
    click.echo(count)


@ledger.group()
def keys() -> None:
    """Who signs checkpoints."""


@keys.command()
@click.option(
    "--name", help="The name of the book, such as daybook.example.com/log/1; it is never changed."
)
@with_appcontext
def create(name: str | None) -> None:
    """Make the key that signs checkpoints, and print its public half: give that to your auditors.

    The private half is kept in DAYBOOK_HOME/ledger/keys, readable by its owner only. Make a copy of it.
    """
    settings: Settings = current_app.extensions["settings"]
    store: KeyStore = current_app.extensions["ledger_keys"]
    try:
        if store.all():
            raise click.ClickException(
                "There is a key already. To change it: manage.py ledger keys rotate"
            )
        key = SigningKey.generate(name or new_name())
        store.add(key)
    except FormatError as error:
        raise click.BadParameter(f"{error}.", param_hint="--name") from error
    except SigningKeyError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The private key is in {settings.home / 'ledger' / 'keys'}.", err=True)
    click.echo(key.public.to_text())


@keys.command()
@with_appcontext
def rotate() -> None:
    """Change the key that signs, and print the public half of the new one: give that to your auditors.

    The change is a leaf of the book that both keys have signed; who trusts the old one can trust the new
    one for that. Keep the old key: it is needed until the change is sealed.
    """
    store: KeyStore = current_app.extensions["ledger_keys"]
    try:
        public = change_key(store, actor_id=None)
        db.session.commit()
    except SigningKeyError as error:
        raise click.ClickException(str(error)) from error
    click.echo(public.to_text())


@keys.command("list")
@with_appcontext
def list_all() -> None:
    """Print the public keys, the oldest first."""
    for key in _own_keys():
        click.echo(key)


def _own_keys() -> list[str]:
    store: KeyStore = current_app.extensions["ledger_keys"]
    try:
        return [key.to_text() for key in store.publics()]
    except SigningKeyError as error:
        raise click.ClickException(str(error)) from error


def _watch(sealer: Sealer) -> None:
    settings: Settings = current_app.extensions["settings"]
    end = told_to_end()
    with running(sealer=partial(seal_until, sealer, seconds=settings.seal_seconds)):
        end.wait(None)


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _age(moment: datetime | None) -> str:
    return "none" if moment is None else f"{(datetime.now(UTC) - moment).total_seconds():.0f} s"
