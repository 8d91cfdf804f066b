"""A sealed book to tamper with: made once, and copied for each test."""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from app import create_app
from app.extensions import db
from app.ledger.strict_text import encode_base64
from app.models import EventKind
from app.services import ledger, proofs, reporting
from app.services.errors import ServiceError
from app.services.events import record_event
from app.services.reviewing import Draft, review_prediction
from tests.support.asking import ask
from tests.support.hostile import tamper
from tests.support.postgres import dispose, settings_for
from verifier.__main__ import main as verifier

_numbers = itertools.count()


@dataclass
class House:
    """An installation with a book, and what an auditor has kept outside."""

    app: object
    url: str
    folder: Path
    key: str = ""
    ids: list[str] = field(default_factory=list)
    receipts: dict[str, str] = field(default_factory=dict)
    held: Path | None = None

    @contextmanager
    def context(self):
        with self.app.app_context():
            yield self.app
            db.session.remove()

    def tamper(self, statement: str, **values) -> int:
        """Change something as an administrator of the database could, for good."""
        with self.context():
            changed = tamper(db.session, statement, **values)
            db.session.commit()
            return changed

    def seal(self) -> int:
        return self.app.extensions["sealer"].seal_all()

    def verify(self, capsys, *arguments: str | Path) -> tuple[int, str]:
        """Run the verifier as an auditor does; return its exit code and what it said."""
        capsys.readouterr()
        code = verifier([str(one) for one in arguments])
        return code, capsys.readouterr().out

    def one_record(self, capsys, identifier: str) -> tuple[int, str]:
        """The first level: what the service gives for one record, checked outside."""
        proof, record = self.folder / "one.tlog-proof", self.folder / "one.json"
        try:
            with self.context():
                proof.write_text(proofs.proof_of(identifier).to_text())
                record.write_bytes(proofs.record_document("prediction", identifier))
        except ServiceError as error:
            return 1, f"WRONG: {error.detail}"
        receipt = self.receipts[identifier]
        return self.verify(
            capsys, "proof", proof, "--key", self.key, "--record", record, "--receipt", receipt
        )

    def consistency(self, capsys) -> tuple[int, str]:
        """The second level: is the book that was kept the beginning of what is shown now?"""
        new, proof = self.folder / "new", self.folder / "consistency.json"
        from verifier.notes import read_size

        try:
            with self.context():
                note = ledger.newest_checkpoint().note
                new.write_text(note)
                sizes = read_size(self.held.read_bytes()), read_size(note.encode())
                hashes = proofs.consistency_proof(*sizes) if sizes[0] < sizes[1] else []
        except ServiceError as error:
            return 1, f"WRONG: {error.detail}"
        proof.write_text(json.dumps({"hashes": [encode_base64(one) for one in hashes]}))
        return self.verify(
            capsys, "consistency", self.held, new, "--proof", proof, "--key", self.key
        )

    def whole_book(self, capsys, *, held: bool = True) -> tuple[int, str]:
        """The third level: everything, with or without what was kept outside."""
        more = ["--checkpoint", self.held] if held else []
        return self.verify(capsys, "database", self.url, "--key", self.key, *more)


@pytest.fixture(scope="session")
def psql(server):
    """psql of the server that the tests run on, where the verifier finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{server.binaries}:", prepend=":")
        yield


@pytest.fixture(scope="session")
def original(cast_database, cast, server, worker, tmp_path_factory, psql) -> Iterator[House]:
    """A book of 598 predictions, an outcome, a review, and the events of the cast, under some checkpoints; one was kept."""
    name = f"original_{worker}"
    folder = tmp_path_factory.mktemp("original")
    app = create_app(settings_for(server.clone(name, cast_database), folder / "home"))
    house = House(app, server.url(name), folder)
    house.seal()
    for rows in (300, 5):
        _ask(house, cast, rows)
    with house.context():
        reporting.report_outcome(cast["owner"].caller, UUID(house.ids[0]), "yes")
        said = Draft(verdict="unsure", reason="age", note="Ask the branch.")
        review_prediction(cast["owner"].caller, UUID(house.ids[0]), said)
        record_event(EventKind.TOKEN_CREATED, actor_id=cast["owner"].id, name="nightly")
        db.session.commit()
    house.seal()
    house.key = app.extensions["ledger_keys"].newest().public.to_text()
    house.held = folder / "held"
    with house.context():
        house.held.write_text(ledger.newest_checkpoint().note)
    _ask(house, cast, 293)
    house.seal()
    dispose(app)
    yield house
    server.drop(name)


@pytest.fixture
def house(original, cast, server, worker, tmp_path, psql) -> Iterator[House]:
    """A copy of the original, with its keys."""
    name = f"house_{worker}_{next(_numbers)}"
    url = server.clone(name, f"original_{worker}")
    home = tmp_path / "home"
    (home / "ledger").mkdir(parents=True)
    keys = original.folder / "home" / "ledger" / "keys"
    (home / "ledger" / "keys").touch(0o600)
    (home / "ledger" / "keys").write_bytes(keys.read_bytes())
    app = create_app(settings_for(url, home))
    app.extensions["cast"] = cast
    held = tmp_path / "held"
    held.write_bytes(original.held.read_bytes())
    yield House(app, url, tmp_path, original.key, original.ids, original.receipts, held)
    dispose(app)
    server.drop(name)


def _ask(house: House, cast, rows: int) -> None:
    with house.context() as app:
        ids = [str(one) for one in ask(app, cast["owner"], rows=rows)]
        hashes = db.session.execute(
            text("SELECT id::text, encode(leaf_hash, 'hex') FROM ledger_pending")
        )
        house.receipts |= {identifier: told for identifier, told in hashes if told}
        house.ids += ids
