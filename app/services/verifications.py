"""Verifications of the whole book: asked for by people and by the schedule, run in the background."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text

from app.database.transactions import Begin
from app.extensions import db
from app.identifiers import new_id
from app.models import EventKind, LedgerHead, Verification
from app.services.books import verify_stored_book
from app.services.events import record_event
from verifier.book import Report
from verifier.errors import Finding
from verifier.notes import Key

#: One that has not moved for so long is not running any more; another worker takes it up.
_DEAD_AFTER = timedelta(minutes=2)
_TOUCH_SECONDS = 1.0
_MOST_FINDINGS = 100

_TAKE = """
UPDATE verifications SET touched_at = clock_timestamp(), leaves = 0 WHERE id = (
    SELECT id FROM verifications
    WHERE finished_at IS NULL AND (touched_at IS NULL OR touched_at < clock_timestamp() - %s)
    ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_TOUCH = "UPDATE verifications SET touched_at = clock_timestamp(), leaves = %s WHERE id = %s"
_LET_GO = "UPDATE verifications SET touched_at = NULL WHERE id = %s"


def request_verification(actor_id: UUID | None) -> Verification:
    """Ask for a verification of the whole book; return it, or the one that is under way."""
    running = select(Verification).where(Verification.finished_at.is_(None)).limit(1)
    if (found := db.session.scalar(running)) is not None:
        return found
    asked = Verification(
        id=new_id(),
        requested_at=datetime.now(UTC),
        requested_by=actor_id,
        leaves=0,
        size=db.session.get_one(LedgerHead, 1).size,
    )
    db.session.add(asked)
    record_event(EventKind.VERIFICATION_REQUESTED, actor_id=actor_id, subject_id=asked.id)
    return asked


def latest_verification(*, done: bool) -> Verification | None:
    """Return the newest verification that is done, or the one that is under way."""
    condition = (
        Verification.finished_at.is_not(None) if done else Verification.finished_at.is_(None)
    )
    query = select(Verification).where(condition).order_by(Verification.requested_at.desc())
    return db.session.scalar(query.limit(1))


class StoppedError(Exception):
    """The verification is stopped before its end; it begins anew when somebody takes it up."""


def run_requested_verification(
    begin: Begin, keys: Callable[[], frozenset[Key]], is_stopped: Callable[[], bool]
) -> None:
    """Run a verification that waits, if there is one.

    Args:
        begin: opens transactions, in which the progress is noted.
        keys: returns those whose signatures count.
        is_stopped: asked now and then whether to stop.
    """
    with begin() as cursor:
        cursor.execute(_TAKE, (_DEAD_AFTER,))
        if (row := cursor.fetchone()) is None:
            return
    identifier, touched = row[0], time.monotonic()

    def note(leaves: int) -> None:
        nonlocal touched
        if is_stopped():
            raise StoppedError
        if time.monotonic() - touched > _TOUCH_SECONDS:
            touched = time.monotonic()
            with begin() as cursor:
                cursor.execute(_TOUCH, (leaves, identifier))

    try:
        report = _verify(keys, note)
    except StoppedError:
        with begin() as cursor:
            cursor.execute(_LET_GO, (identifier,))
    else:
        _finish(identifier, report)


def _verify(keys: Callable[[], frozenset[Key]], note: Callable[[int], None]) -> Report:
    """Verify; what stops the verification itself is a finding, too."""
    try:
        return verify_stored_book(keys(), progress=note)
    except StoppedError:
        raise
    except Exception as error:  # noqa: BLE001 (it must end, whatever happens)
        db.session.rollback()
        why = " ".join(str(error).split())
        report = Report()
        report.add(Finding("the verification", f"was broken off: {why}"))
        return report


def _finish(identifier: UUID, report: Report) -> None:
    done = db.session.get_one(Verification, UUID(str(identifier)))
    done.finished_at, done.leaves, done.size = datetime.now(UTC), report.leaves, report.size
    done.root, done.faults = report.root, report.faults
    done.findings = [str(finding) for finding in report.findings[:_MOST_FINDINGS]]
    db.session.commit()


def is_verification_due(age: timedelta) -> bool:
    """Whether the newest verification is older than that, and there is something to verify."""
    newest = db.session.scalar(
        select(Verification.requested_at).order_by(Verification.requested_at.desc()).limit(1)
    )
    has_leaves = bool(db.session.scalar(text("SELECT size FROM ledger_head")))
    return has_leaves and (newest is None or datetime.now(UTC) - newest > age)
