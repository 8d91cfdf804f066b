"""Several sealers at once, and sealers that die anywhere: no fork, no gap, nothing twice."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from app import create_app
from app.extensions import db
from app.sealer.sealer import Sealer
from tests.support.asking import ask
from tests.support.postgres import dispose, settings_for


class DiedError(Exception):
    pass


def dying_at(begin, statement: int):
    """Transactions whose connection is lost before their n-th statement; counted over all of them."""
    count = 0

    class Cursor:
        def __init__(self, cursor):
            self._cursor = cursor

        def execute(self, *arguments):
            nonlocal count
            count += 1
            if count == statement:
                self._cursor.connection.close()
                raise DiedError
            self._cursor.execute(*arguments)

        def __getattr__(self, name):
            return getattr(self._cursor, name)

        def __iter__(self):
            return iter(self._cursor)

    @contextlib.contextmanager
    def dying():
        with begin() as cursor:
            yield Cursor(cursor)

    return dying


def test_a_sealer_may_die_before_any_statement(house, capsys):
    """And after the last one; the next one goes on."""
    sealer = house.app.extensions["sealer"]
    deaths = 0
    for statement in range(1, 100):
        with house.context() as app:
            ask(app, app.extensions["cast"]["owner"], rows=20)
        mortal = Sealer(dying_at(sealer._begin, statement), sealer._keys, sealer._publisher)
        try:
            mortal.seal()
        except Exception:  # noqa: BLE001 (SQLAlchemy may wrap it)
            deaths += 1
        else:
            break
        if statement % 3 == 0:
            assert sealer.seal()
    assert deaths >= 8
    sealer.seal_all()
    assert_whole(house, capsys)


def test_a_sealer_that_dies_before_it_publishes_is_made_up_for(house, tmp_path):
    from app.sealer.publishing import Publisher
    from app.sealer.sinks import FolderSink

    sealer = house.app.extensions["sealer"]
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    size = sealer.seal().size
    sealer._publisher = Publisher([FolderSink(tmp_path)])
    assert sealer.seal().leaves == 0, "there is nothing to seal"
    assert f"\n{size}\n" in (tmp_path / "checkpoint").read_text()


@pytest.mark.parametrize("sealers", [2, 5])
def test_many_sealers_make_one_book(house, capsys, sealers):
    """While others write, each with connections of its own."""
    apps = [create_app(settings_for(house.url, house.folder / "home")) for _ in range(sealers)]
    written = threading.Event()
    with ThreadPoolExecutor(sealers + 1) as pool:
        working = [pool.submit(seal_on, app, house, written) for app in apps]
        pool.submit(write, house).add_done_callback(lambda _: written.set())
        leaves = [one.result() for one in working]
    for app in apps:
        dispose(app)
    assert sum(leaves) == 30 * 17
    assert_whole(house, capsys)


def seal_on(app, house, written) -> int:
    leaves = 0
    while not (written.is_set() and not waiting(house)):
        if done := app.extensions["sealer"].seal(limit=37):
            leaves += done.leaves
    return leaves


def write(house) -> None:
    for _ in range(30):
        with house.app.app_context():
            ask(house.app, house.app.extensions["cast"]["owner"], rows=17)
            db.session.remove()


def test_a_sealer_does_not_wait_for_another(house):
    """It comes back when the other one is done; requests for the lock do not queue."""
    sealer = house.app.extensions["sealer"]
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    with sealer._begin() as cursor:
        cursor.execute("SELECT FROM ledger_head FOR UPDATE")
        assert sealer.seal() is None
    assert sealer.seal().leaves == 1


def test_a_record_that_is_committed_late_is_sealed_then(house, capsys):
    """A transaction that began before others and ends after them: no cursor passes it by."""
    sealer, told = house.app.extensions["sealer"], threading.Event()
    goes_on = threading.Event()

    def late():
        from app.models import EventKind
        from app.services.events import record_event

        with house.app.app_context():
            record_event(EventKind.SIGNED_IN, actor_id=house.app.extensions["cast"]["owner"].id)
            told.set()
            goes_on.wait(30)
            db.session.commit()
            db.session.remove()

    thread = threading.Thread(target=late)
    thread.start()
    told.wait(30)
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"], rows=3)
    assert sealer.seal().leaves == 3
    goes_on.set()
    thread.join()
    assert sealer.seal().leaves == 1
    assert_whole(house, capsys)


def waiting(house) -> int:
    with house.app.app_context():
        count = db.session.scalar(text("SELECT count(*) FROM ledger_pending"))
        db.session.remove()
        return count


def assert_whole(house, capsys) -> None:
    assert waiting(house) == 0
    code, said = house.whole_book(capsys)
    assert code == 0, said
    with house.context():
        count, last, distinct = db.session.execute(
            text("SELECT count(*), max(index), count(DISTINCT record_id) FROM ledger_entries")
        ).one()
    assert count == last + 1 == distinct


def test_what_waits_twice_or_is_sealed_already_does_not_stop_the_sealer(house, capsys):
    with house.context() as app:
        (fresh,) = ask(app, app.extensions["cast"]["owner"])
    house.tamper(
        "INSERT INTO ledger_pending (kind, id) VALUES ('prediction', :id)", id=house.ids[0]
    )
    house.tamper("INSERT INTO ledger_pending SELECT * FROM ledger_pending WHERE id = :id", id=fresh)
    size = house.seal()
    assert size == 615
    assert house.whole_book(capsys)[0] == 0


def test_what_is_of_no_known_kind_is_set_aside(house):
    house.tamper("INSERT INTO ledger_pending (kind, id) VALUES ('poem', :id)", id=house.ids[0])
    with house.context() as app:
        ask(app, app.extensions["cast"]["owner"])
    assert house.seal() == 615
    with house.context():
        found = db.session.execute(text("SELECT kind, what FROM ledger_findings")).all()
        assert found == [("poem", "it is of a kind that is not known")]
