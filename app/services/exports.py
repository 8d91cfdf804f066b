"""Exports: what a query finds, of any size, as one state of the book, with a manifest that says what it is.

Records leave a thousand at a time, so an export needs as much memory for ten million of them as for ten
thousand. That it began is an event before the first byte leaves, that it ended is one after the last.
"""

import hashlib
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, Text, case, cast, func, select
from sqlalchemy.orm import Session

from app.access import Caller
from app.archive import archived
from app.database.transactions import snapshot
from app.extensions import db
from app.identifiers import new_id
from app.models import EventKind, LedgerCheckpoint, Prediction
from app.query.fields import Field
from app.query.wording import sentence
from app.services import search
from app.services.errors import OverloadedError, invalid_query
from app.services.events import record_event
from app.services.export_files import Format, available_formats, file_of
from app.services.history import PATIENCE_MS, bounded, fitting
from app.version import VERSION

_AT_ONCE = 1_000
_MOST_BYTES = 8_000_000
_MOST_REASON = 1_000
#: Each holds a thread and a connection for as long as its reader takes.
_at_once = threading.BoundedSemaphore(2)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is exported, to whom and why."""

    id: UUID
    caller: Caller
    query: str
    meaning: str
    format: Format
    reason: str | None
    found: Select[Prediction]
    fields: Sequence[Field]

    @property
    def file_name(self) -> str:
        """The name of the file with the records."""
        return f"records.{self.format}"


def select_records(
    caller: Caller, query: str, form: str, reason: str | None, *, without_reason: int | None
) -> Selection:
    """Return what is to be exported; the event that says so is committed.

    Args:
        caller: who exports: nobody gets what they cannot see.
        query: which records, in the query language.
        form: a `Format`.
        reason: why, if the caller says so.
        without_reason: how many records may be exported without a reason; None for any number.

    Raises:
        InvalidQueryError: if the query or the format is none, or a reason is needed.
    """
    asked = search.read_query(caller, query)
    if form not in (formats := available_formats()):
        raise invalid_query("format", f"Choose one of {', '.join(formats)}.")
    if len(reason := (reason or "").strip()) > _MOST_REASON or "\x00" in reason:
        raise invalid_query("reason", f"Say it in {_MOST_REASON:,} characters.")
    found, known = fitting(select(Prediction), caller, asked), search.signatures_for(caller)
    model = search.its_model(known, query)
    if not reason and without_reason is not None and _are_more(found, without_reason):
        raise invalid_query("reason", f"Say why you need more than {without_reason:,} records.")
    selection = Selection(
        id=new_id(), caller=caller, query=query, meaning=sentence(asked), format=Format(form),
        reason=reason or None, found=found, fields=search.fields_of(known, model) if model else [],
    )  # fmt: skip
    # What the event tells cannot be erased, so it tells no query that may name a person.
    told = {"names_a_person": True} if search.may_name_a_person(asked) else {"query": query}
    _note(selection, EventKind.EXPORT_BEGUN, format=str(form), reason=reason or None, **told)
    return selection


class Export:
    """The file of a selection, and the manifest that it has when it was read to its end.

    Args:
        selection: what is exported.
        context: opens a context of the application, for what happens when its request is over.
    """

    def __init__(
        self, selection: Selection, context: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        self._selection = selection
        self._context = context
        self._manifest: dict[str, Any] | None = None

    def archive(self) -> Generator[bytes]:
        """Yield an archive of the file and its manifest."""
        return archived(self._selection.file_name, self.content(), "manifest.json", self.manifest)

    def manifest(self) -> bytes:
        """Return the manifest.

        Raises:
            RuntimeError: if the file was not read to its end.
        """
        if self._manifest is None:
            raise RuntimeError("the export has not ended")
        return orjson.dumps(self._manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)

    def content(self) -> Iterator[bytes]:
        """Yield the file with the records, some at a time; all of them are of one moment.

        Raises:
            OverloadedError: if as many are at it as may be.
        """
        if not _at_once.acquire(blocking=False):
            raise OverloadedError("Others are exporting just now. Try it again a little later.")
        try:
            yield from self._content()
        finally:
            _at_once.release()

    def _content(self) -> Iterator[bytes]:
        digest, count, first, last = hashlib.sha256(), 0, None, None
        with self._context():
            engine = db.engine
        with Session(engine) as session, snapshot(session):
            checkpoint = session.scalar(
                select(LedgerCheckpoint.note).order_by(LedgerCheckpoint.size.desc()).limit(1)
            )
            selection = self._selection
            file = file_of(selection.format, selection.caller, session, selection.fields)
            digest.update(head := file.head())
            yield head
            for records in _pages(session, self._selection.found):
                digest.update(part := file.body(records))
                count, first, last = count + len(records), first or records[0].id, records[-1].id
                yield part
            digest.update(tail := file.tail())
            yield tail
        self._end(
            count=count,
            first_id=last,
            last_id=first,
            sha256=digest.hexdigest(),
            checkpoint=checkpoint,
        )

    def _end(self, **found: Any) -> None:
        selection = self._selection
        with self._context():
            _note(selection, EventKind.EXPORT_ENDED, count=found["count"], sha256=found["sha256"])
        self._manifest = {
            "export": selection.id, "file": selection.file_name, "format": selection.format,
            "query": selection.query, "meaning": selection.meaning, "reason": selection.reason, **found,
            "by": selection.caller.email or "operator", "at": datetime.now(UTC), "daybook": VERSION,
        }  # fmt: skip


def _note(selection: Selection, kind: EventKind, **details: Any) -> None:
    caller = selection.caller
    known = {name: value for name, value in details.items() if value is not None}
    actor_id = caller.user_id if caller.email else None
    record_event(kind, actor_id=actor_id, subject_id=selection.id, **known)
    db.session.commit()


def _are_more(found: Select[Any], than: int) -> bool:
    some = found.with_only_columns(Prediction.id).order_by(None).limit(than + 1).subquery()
    ((count,),) = bounded(select(func.count()).select_from(some), PATIENCE_MS)
    return bool(count > than)


def _pages(session: Session, found: Select[Prediction]) -> Iterator[Sequence[Prediction]]:
    """Yield records some at a time: fewer where they are large, as those of refused requests may be."""
    whole = cast(Prediction.inputs, Text)
    size = case(
        (func.pg_column_size(Prediction.inputs) > 1_000, func.octet_length(whole)), else_=1_000
    )
    ids = found.with_only_columns(Prediction.id, size)
    page = _first_megabytes(session.execute(ids.limit(_AT_ONCE)).all())
    while page:
        query = select(Prediction).where(Prediction.id.in_(page)).order_by(Prediction.id.desc())
        yield session.scalars(query).all()
        session.expunge_all()
        page = _first_megabytes(
            session.execute(ids.where(Prediction.id < page[-1]).limit(_AT_ONCE)).all()
        )


def _first_megabytes(found: Sequence[Any]) -> list[UUID]:
    """Return the first identifiers whose records are not too large together; one at least, if there is one."""
    sizes = accumulate(size or 0 for _, size in found)
    return [identifier for (identifier, size), together in zip(found, sizes, strict=True)
            if together <= _MOST_BYTES or together == size]  # fmt: skip
