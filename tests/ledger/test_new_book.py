"""A new book after a real loss."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.cli.main import Menu
from app.extensions import db
from app.models import LedgerHead, NoticeKind
from app.services import books, erasure, ledger, proofs
from app.services.errors import ConflictError
from app.services.new_book import begin_new_book
from app.services.notices import record_notice
from app.services.signing_keys import change_key
from tests.support.asking import ask


def begin(house, **more) -> str:
    with house.context():
        given = {"exported": db.session.get(LedgerHead, 1).size, "name": None} | more
        public = begin_new_book(
            house.app.extensions["ledger_keys"], basis="the disk", **given, actor_id=None
        )
        db.session.commit()
        return public.to_text()


def test_everything_is_sealed_again_after_a_leaf_that_tells_of_the_loss(house, capsys):
    with house.context():
        old_proof = proofs.proof_of(house.ids[0]).to_text()
        erasure.erase_prediction(house.ids[1], basis="x", actor_id=None)
        db.session.commit()
        change_key(house.app.extensions["ledger_keys"], actor_id=None)
        db.session.commit()
    size = house.seal()
    house.tamper("UPDATE predictions SET channel = 'form' WHERE id = :id", id=house.ids[2])
    new = begin(house)
    assert new.split("+")[0].endswith("/log/2")
    assert house.seal() == size + 1, "and the loss"
    with house.context():
        first = json.loads(
            bytes(db.session.scalar(text("SELECT envelope FROM ledger_entries WHERE index = 0")))
        )
        assert (first["kind"], first["what"]["size"]) == ("loss", size)
        assert ledger.status([]).key == new
        ask(house.app, house.app.extensions["cast"]["owner"])
    house.seal()
    code, said = house.verify(capsys, "database", house.url, "--key", new)
    assert code == 0, said
    (house.folder / "old").write_text(old_proof)
    assert house.verify(capsys, "proof", house.folder / "old", "--key", house.key)[0] == 0
    exported = house.folder / "exported"
    with house.context():
        books.export_book(exported, [new])
    assert house.verify(capsys, "bundle", exported, "--key", new)[0] == 0


def test_a_loss_is_told_where_a_book_begins_and_nowhere_else(house, capsys):
    with house.context():
        record_notice(NoticeKind.LOSS, actor_id=None, origin="x", size=1, root="00")
        db.session.commit()
    house.seal()
    code, said = house.whole_book(capsys)
    assert (code, "a book tells of the loss of another where it begins" in said) == (1, True)


def test_it_does_not_hide_what_was_changed_from_who_kept_a_checkpoint(house, capsys):
    new = begin(house)
    house.seal()
    code, said = house.verify(
        capsys, "database", house.url, "--key", new, "--key", house.key, "--checkpoint", house.held
    )
    assert code == 1
    assert "the checkpoint that was kept" in said


def test_the_service_cannot_put_a_book_away(house):
    with house.context():
        with pytest.raises(DBAPIError, match="permission denied"):
            db.session.execute(text("SELECT begin_new_book()"))
        db.session.rollback()
        with pytest.raises(DBAPIError):
            db.session.execute(text("TRUNCATE ledger_entries"))
        db.session.rollback()


def test_a_book_is_not_put_away_without_a_notice(house):
    with house.context():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        with pytest.raises(DBAPIError, match="no notice says that this one is lost"):
            db.session.execute(text("SELECT begin_new_book()"))
        db.session.rollback()


def test_a_book_that_has_grown_since_it_was_exported_is_not_put_away(house):
    with pytest.raises(ConflictError, match="has grown since it was exported"):
        begin(house, exported=613)


def test_what_waits_is_still_compared_with_what_its_client_was_told(house):
    with house.context() as app:
        (waiting,) = ask(app, app.extensions["cast"]["owner"])
    house.tamper("UPDATE predictions SET model = 'x' WHERE id = :id", id=waiting)
    begin(house)
    house.seal()
    with house.context():
        found = db.session.execute(text("SELECT record_id, what FROM ledger_findings")).all()
        assert found == [(waiting, "the record is not what its client was answered")]


def test_the_new_book_has_another_name(house):
    with pytest.raises(ConflictError, match="has the name"):
        begin(house, name=house.key.split("+")[0])


def test_the_command_exports_the_old_book_first(house, capsys):
    menu = Menu(create_app=lambda: house.app, add_default_commands=False)
    old = house.folder / "log-1"
    result = house.app.test_cli_runner().invoke(
        menu, ["ledger", "begin-anew", str(old), "--basis", "the disk"]
    )
    assert result.exit_code == 0, result.output
    assert house.verify(capsys, "bundle", old, "--key", house.key)[0] == 0
    again = house.app.test_cli_runner().invoke(
        menu, ["ledger", "begin-anew", str(old), "--basis", "the disk"]
    )
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
