"""The files of exports: each record in one of three forms, some records at a time."""

from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import spreadsheet
from app.access import Caller
from app.ledger import canonical
from app.models import Outcome, Prediction, Status, User
from app.query.fields import Field, Kind
from app.services import search
from app.services.history import as_documents
from app.services.outcomes import newest_outcomes
from app.services.reviews import reviews_of


class Format(StrEnum):
    """In which form records are exported."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class File(Protocol):
    """A file that is written from its head to its tail."""

    def head(self) -> bytes:
        """Return what comes before all records."""

    def body(self, records: Sequence[Prediction]) -> bytes:
        """Return some records."""

    def tail(self) -> bytes:
        """Return what comes after all records."""


def available_formats() -> list[Format]:
    """Return the formats that are there; Parquet needs what `requirements-parquet.txt` installs."""
    return [form for form in Format if form is not Format.PARQUET or find_spec("pyarrow")]


def file_of(form: Format, caller: Caller, session: Session, fields: Sequence[Field]) -> File:
    """Return an empty file.

    Args:
        form: its format.
        caller: who will read it: reviews that they may not read are not in it.
        session: in which the records are read.
        fields: those of the one model that all records are of; none if they are of several.
    """
    if form is Format.NDJSON:
        return _Documents(caller, session)
    rows = _Rows(caller, session, fields)
    return _Spreadsheet(rows) if form is Format.CSV else _Parquet(rows)


class _Documents:
    """Each record as the JSON document that the API shows, with what proves it."""

    def __init__(self, caller: Caller, session: Session) -> None:
        self._caller, self._session = caller, session

    def head(self) -> bytes:
        return b""

    def body(self, records: Sequence[Prediction]) -> bytes:
        option = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
        documents = as_documents(self._caller, records, self._session)
        return b"".join(orjson.dumps(document, option=option) for document in documents)

    def tail(self) -> bytes:
        return b""


class _Rows:
    """Records as rows: the record's own columns, the model's fields, and what these do not hold."""

    def __init__(self, caller: Caller, session: Session, fields: Sequence[Field]) -> None:
        self._caller, self._session = caller, session
        self._fields = fields
        self._addresses: dict[UUID, str] = {}
        self._names = {
            part: {f.path[-1] for f in fields if f.path[0] == part} for part in ("inputs", "output")
        }

    @property
    def columns(self) -> list[tuple[str, Kind]]:
        """The names of the columns, and the kinds of their values."""
        own = [*_COLUMNS.items(), *((field.name, field.kind) for field in self._fields)]
        return [*own, ("inputs", Kind.TEXT), ("output", Kind.TEXT)]

    def of(self, records: Sequence[Prediction]) -> list[list[Any]]:
        """Return the rows of some records."""
        ids = [record.id for record in records]
        outcomes = newest_outcomes(ids, self._session)
        found = reviews_of(self._caller, ids, self._session)
        verdicts = {identifier: newest.verdict for identifier, (newest, *_) in found.items()}
        return [self._row(one, outcomes.get(one.id), verdicts.get(one.id)) for one in records]

    def _row(self, record: Prediction, outcome: Outcome | None, verdict: str | None) -> list[Any]:
        others = {"caller": self._address_of(record), "review": verdict}
        own = [others[name] if name in others else getattr(record, name) for name in _COLUMNS]
        fields = [search.answered_value(record, outcome, field) for field in self._fields]
        inputs = None if self._holds_inputs(record) else record.inputs
        output = None if self._holds_output(record) else record.output
        return [*own, *fields, inputs, output]

    def _holds_inputs(self, record: Prediction) -> bool:
        return (
            _is_answered(record)
            and isinstance(record.inputs, dict)
            and record.inputs.keys() <= self._names["inputs"]
        )

    def _holds_output(self, record: Prediction) -> bool:
        if not (_is_answered(record) and isinstance(record.output, dict)):
            return False
        classes = record.output.get("probabilities") or {}
        return (
            record.output.keys() <= {"prediction", "probabilities"}
            and {"prediction", *classes} <= self._names["output"]
        )

    def _address_of(self, record: Prediction) -> str | None:
        if record.actor_id not in self._addresses:
            address = self._session.scalar(select(User.email).where(User.id == record.actor_id))
            self._addresses[record.actor_id] = address or ""
        return self._addresses[record.actor_id] or None


class _Spreadsheet:
    """Rows as CSV; see `app.spreadsheet`."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    def head(self) -> bytes:
        return spreadsheet.line([name for name, _ in self._rows.columns])

    def body(self, records: Sequence[Prediction]) -> bytes:
        return b"".join(map(spreadsheet.line, self._rows.of(records)))

    def tail(self) -> bytes:
        return b""


class _Parquet:
    """Rows as Parquet, with typed columns; some records are a row group."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows
        self._kinds = [kind for _, kind in rows.columns]
        # What is not installed everywhere is imported where it is asked for.
        self._table = import_module("app.parquet").Table(rows.columns)

    def head(self) -> bytes:
        return bytes(self._table.written())

    def body(self, records: Sequence[Prediction]) -> bytes:
        rows = self._rows.of(records)
        self._table.add([[_typed(*cell) for cell in zip(self._kinds, row, strict=True)] for row in rows])  # fmt: skip
        return bytes(self._table.written())

    def tail(self) -> bytes:
        self._table.end()
        return bytes(self._table.written())


def _typed(kind: Kind, value: Any) -> Any:
    """Return a value as its column holds it: texts for what has no type of its own there."""
    if value is None or kind in (Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.MOMENT):
        return value
    return value if isinstance(value, str) else _text(value)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, UUID) else canonical.encode(value).decode()


#: The record's own columns. `caller` is an address, and `review` the newest verdict.
_COLUMNS = {
    "id": Kind.IDENTIFIER, "request_id": Kind.IDENTIFIER, "client_request_id": Kind.TEXT, "row": Kind.NUMBER, "received_at": Kind.MOMENT,
    "answered_at": Kind.MOMENT, "caller": Kind.TEXT, "channel": Kind.CHOICE, "model": Kind.CHOICE,
    "model_version": Kind.NUMBER, "status": Kind.CHOICE, "reference": Kind.TEXT, "subject": Kind.TEXT, "review": Kind.CHOICE,
}  # fmt: skip


def _is_answered(record: Prediction) -> bool:
    return record.status == Status.ACCEPTED
