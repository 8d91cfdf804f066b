"""Verifies the whole book: every day by itself, and when somebody asks."""

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Flask, current_app

from app.extensions import db
from app.jobs.priority import give_way
from app.services import verifications
from verifier.notes import Key

log = structlog.get_logger(__name__)
_LOOK_SECONDS = 1.0
_NICENESS = 15
_AGE = timedelta(days=1)


def request_daily_verification() -> None:
    """Ask for a verification, unless there was one within a day."""
    if verifications.is_verification_due(_AGE):
        verifications.request_verification(None)
        db.session.commit()
    db.session.rollback()


def verify_requested_book(is_stopped: Callable[[], bool] = lambda: False) -> None:
    """Run the verification that waits, if there is one."""
    store = current_app.extensions["ledger_keys"]
    verifications.run_requested_verification(
        current_app.extensions["begin"],
        lambda: frozenset(Key.parse(key.to_text()) for key in store.publics()),
        is_stopped,
    )


def verify_until(app: Flask, stop: threading.Event) -> None:
    """Run verifications that are asked for, until told to stop: apart from other jobs, for they take long.

    They take only what predictions leave of the processors.
    """
    give_way(_NICENESS)
    while not stop.is_set():
        with app.app_context():
            try:
                verify_requested_book(stop.is_set)
            except Exception as error:  # noqa: BLE001 (the loop must outlive whatever happens)
                log.error("verification failed", kind=type(error).__name__)
            finally:
                db.session.remove()
        stop.wait(_LOOK_SECONDS)
