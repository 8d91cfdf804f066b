"""Writes records: one statement for any number of rows, inside the caller's transaction."""

from collections.abc import Sequence
from typing import Any

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from app.ledger.envelope import PARTS
from app.recorder.records import Record

_FACTS = (
    "id", "request_id", "row", "received_at", "answered_at", "actor_id", "token_id", "channel",
    "model", "model_version", "artifact_sha256", "environment_sha256", "status",
)  # fmt: skip
_UUIDS = {"id", "request_id", "actor_id", "token_id"}
_COLUMNS = (
    *_FACTS, "model_id",
    *(f"{part}{suffix}" for part in PARTS for suffix in ("", "_salt", "_commitment")),
)  # fmt: skip
_INSERT = f"INSERT INTO predictions ({', '.join(_COLUMNS)}) VALUES %s"
_ROWS_PER_STATEMENT = 1000


def insert_records(cursor: Cursor, records: Sequence[Record]) -> None:
    """Insert records; they are committed when the caller commits."""
    execute_values(cursor, _INSERT, map(_values, records), page_size=_ROWS_PER_STATEMENT)


def _values(record: Record) -> tuple[Any, ...]:
    facts = vars(record.facts)
    values = [_text(facts[name]) if name in _UUIDS else facts[name] for name in _FACTS]
    values.append(_text(record.model_id))
    for part in PARTS:
        body = record.parts.get(part)
        values += [body and body.decode(), record.salts.get(part), record.commitments.get(part)]
    return tuple(values)


def _text(identifier: Any) -> str | None:
    return None if identifier is None else str(identifier)
