"""Verifications that the service runs itself, in the background."""

import os
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.extensions import db
from app.jobs import verify_book
from app.jobs.verify_book import request_daily_verification, verify_requested_book
from app.models import Verification
from app.services import verifications
from tests.support.asking import ask


def run(house) -> Verification:
    with house.context():
        verifications.request_verification(None)
        db.session.commit()
        verify_requested_book()
        return verifications.latest_verification(done=True)


def test_a_good_book(house):
    done = run(house)
    assert (done.faults, done.findings, done.leaves, done.size) == (0, [], 614, 614)
    assert done.finished_at >= done.requested_at


def test_findings_are_kept_with_the_names_of_the_records(house):
    victim = house.ids[5]
    house.tamper("UPDATE predictions SET channel = 'form' WHERE id = :id", id=victim)
    done = run(house)
    assert done.faults == 1
    assert f"(prediction {victim}): channel is not what the leaf says" in done.findings[0]


def test_one_that_is_stopped_begins_anew(house):
    with house.context():
        ask(house.app, house.app.extensions["cast"]["owner"], rows=900)
    house.seal()
    with house.context():
        asked = verifications.request_verification(None).id
        db.session.commit()
        verify_requested_book(lambda: True)
        assert db.session.get(Verification, asked).finished_at is None
        db.session.rollback()
        verify_requested_book()
        db.session.expire_all()
        assert db.session.get(Verification, asked).faults == 0


def test_one_that_breaks_off_is_a_finding(house):
    house.tamper("ALTER TABLE ledger_tiles RENAME TO elsewhere")
    done = run(house)
    assert done.faults == 1
    assert "the verification: was broken off" in done.findings[0]


def test_one_that_died_is_taken_up_and_one_that_lives_is_not(house):
    with house.context():
        verifications.request_verification(None)
        db.session.commit()
    for age, is_taken in (("1 minute", False), ("3 minutes", True)):
        house.tamper(f"UPDATE verifications SET touched_at = now() - interval '{age}'")
        with house.context():
            verify_requested_book()
            assert (db.session.scalar(select(Verification)).finished_at is not None) == is_taken


def test_it_is_asked_for_every_day(house):
    with house.context():
        request_daily_verification()
        request_daily_verification()
        assert len(db.session.scalars(select(Verification)).all()) == 1
        verify_requested_book()
        assert not verifications.is_verification_due(timedelta(days=1))
    house.tamper("UPDATE verifications SET requested_at = now() - interval '25 hours'")
    with house.context():
        assert verifications.is_verification_due(timedelta(days=1))


@pytest.mark.parametrize(
    "given",
    [
        ("verify",),
        ("verify", "--key", "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
    ],
)
def test_the_command_tells_the_same(house, given):
    from app.cli.main import Menu

    menu = Menu(create_app=lambda: house.app, add_default_commands=False)
    result = house.app.test_cli_runner().invoke(menu, ["ledger", *given])
    if len(given) == 1:
        assert result.exit_code == 0, result.output
        assert "GOOD: the book of size 614" in result.stdout
    else:
        assert result.exit_code == 1
        assert "signed by none of the keys that are trusted" in result.stdout


def test_verifications_leave_the_processors_to_predictions(app, monkeypatch):
    stop, told = threading.Event(), []

    def look(_):
        told.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        stop.set()

    monkeypatch.setattr(verify_book, "verify_requested_book", look)
    thread = threading.Thread(target=verify_book.verify_until, args=(app, stop))
    thread.start()
    thread.join()
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert told[0] > own
