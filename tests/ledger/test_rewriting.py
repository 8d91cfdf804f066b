"""Who holds the signing key and the database can write another book; who kept a checkpoint sees it.

And the guard: a database that went beside what was published is not sealed any more (behind: test_restores).
"""

import shutil

import pytest
from sqlalchemy import text

from app import create_app
from app.extensions import db
from app.sealer.publishing import SplitViewError
from tests.ledger.conftest import House
from tests.support.asking import ask
from tests.support.postgres import dispose, settings_for


def rewrite_tail(house, *, drop: int) -> None:
    """Forget the last leaves and their records, and seal what comes then with the real key."""
    with house.context():
        size = db.session.scalar(text("SELECT size FROM ledger_head"))
        keep = db.session.scalar(
            text("SELECT max(size) FROM ledger_checkpoints WHERE size <= :most"),
            {"most": size - drop},
        )
        forgotten = [str(one) for one in db.session.scalars(
            text("SELECT record_id FROM ledger_entries WHERE index >= :keep"), {"keep": keep})]  # fmt: skip
    house.tamper("DELETE FROM predictions WHERE id = ANY (CAST(:ids AS uuid[]))", ids=forgotten)
    house.tamper("DELETE FROM events WHERE id = ANY (CAST(:ids AS uuid[]))", ids=forgotten)
    house.tamper("DELETE FROM ledger_checkpoints WHERE size > :keep", keep=keep)
    house.tamper("INSERT INTO ledger_pending SELECT kind, record_id FROM ledger_entries WHERE index < :keep ORDER BY index",
                 keep=keep)  # fmt: skip
    for table in ("ledger_entries", "ledger_tiles", "ledger_checkpoints"):
        house.tamper(f"DELETE FROM {table}")
    house.tamper("UPDATE ledger_head SET size = 0, root = sha256('')")


def test_a_rewritten_tail_is_found_by_who_kept_a_checkpoint(house, capsys):
    house.held.write_text(newest(house))  # Of this copy, and kept elsewhere.
    rewrite_tail(house, drop=293)
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"], rows=400)
    house.seal()
    code, said = house.whole_book(capsys, held=False)
    assert (code, "GOOD" in said) == (0, True), (
        "without anything kept outside it is a book like others"
    )
    code, said = house.whole_book(capsys)
    assert code == 1
    assert "the checkpoint that was kept of size" in said
    assert "has another root than the leaves" in said
    code, said = house.consistency(capsys)
    assert (code, "leads to other roots" in said) == (1, True)


def newest(house) -> str:
    with house.context():
        return db.session.scalar(
            text("SELECT note FROM ledger_checkpoints ORDER BY size DESC LIMIT 1")
        )


@pytest.fixture
def published(house, cast, tmp_path):
    """The house with a sink, and what it has published."""
    sink = tmp_path / "sink"
    sink.mkdir()
    home = house.folder / "home"
    app = create_app(settings_for(house.url, home, DAYBOOK_CHECKPOINT_SINKS=str(sink)))
    app.extensions["cast"] = cast
    yield (
        House(app, house.url, house.folder, house.key, house.ids, house.receipts, house.held),
        sink,
    )
    dispose(app)


def test_a_checkpoint_is_published_after_its_commit(published):
    house, sink = published
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    size = house.seal()
    assert (sink / "checkpoint").read_text() == newest(house)
    assert (sink / "checkpoints" / str(size)).read_text() == newest(house)


def test_a_copy_that_went_its_own_way_is_not_sealed(published):
    """Two installations that seal the same book: the second sees that it is not the one that is published."""
    house, sink = published
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"], rows=2)
    house.seal()
    rewrite_tail(house, drop=2)
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"], rows=700)
    for name in (sink / "checkpoint",):
        shutil.copy(name, house.folder / "kept")
    house.app.extensions["sealer"]._publisher.sinks = []
    house.seal()
    from app.sealer.sinks import FolderSink

    house.app.extensions["sealer"]._publisher.sinks = [FolderSink(sink)]
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    with pytest.raises(SplitViewError, match="has another root than the database"):
        house.app.extensions["sealer"].seal()


def test_a_strange_checkpoint_in_the_sink_stops_the_sealer(published):
    house, sink = published
    (sink / "checkpoint").write_text("other.example/log\n1\nrE58jgCmY4mcLbe190+Kis6AgpeIbuchQ4TbqaGPynQ=\n\n"
                                     "— other.example/log AAAAAAAAAAAA\n")  # fmt: skip
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    with pytest.raises(SplitViewError, match="is not this book's"):
        house.app.extensions["sealer"].seal()


def test_a_sink_that_is_not_mounted_is_not_an_empty_one(published):
    house, sink = published
    sink.rmdir()
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    with pytest.raises(SplitViewError, match="No sink can be read"):
        house.app.extensions["sealer"].seal()
    sink.mkdir()
    assert house.seal()
    assert (sink / "checkpoint").read_text() == newest(house)


def test_a_sink_that_is_ahead_is_never_written_over(published):
    """An idle sealer after a restore: the evidence must stay, or the next seal would fork the book."""
    house, sink = published
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"], rows=2)
    house.seal()
    ahead = (sink / "checkpoint").read_text()
    rewrite_tail(house, drop=2)
    house.tamper("DELETE FROM ledger_publications")
    house.tamper("DELETE FROM ledger_pending")
    house.tamper("INSERT INTO ledger_checkpoints VALUES (1, sha256(''), 'an older one', now())")
    house.app.extensions["sealer"].seal()
    assert (sink / "checkpoint").read_text() == ahead
    with house.context():
        assert "has another book" in db.session.scalar(
            text("SELECT error FROM ledger_publications")
        )
