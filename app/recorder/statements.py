"""What the recorder asks of the database: claim keys, record a batch (migrations 0005 and 0015 have the functions)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from app.ledger.envelope import PARTS
from app.recorder.keys import Key
from app.recorder.records import Record
from app.recorder.tickets import Ticket

CLAIM = "SELECT request, state, fingerprint, request_id FROM claim_keys(%s, %s)"
RECORD = "SELECT record_predictions(%s, %s::prediction_to_record[], %s)"
Caller = tuple[Any, ...]
Recording = tuple[str, list[str], str | None]


class Batch:
    """Tickets as the database's functions take them: callers are known by their places."""

    def __init__(self, tickets: Sequence[Ticket]) -> None:
        self.tickets = tickets
        self._callers: dict[Caller, int] = {}
        #: Of each ticket, the place of its caller, as the functions report it.
        self.places: list[int] = []
        for ticket in tickets:
            who = ticket.attempt
            caller = (who.actor_id, who.token_id, who.role)
            self.places.append(self._callers.setdefault(caller, len(self._callers)))

    def to_claim(self) -> tuple[str, str]:
        """Return the parameters of `CLAIM`."""
        claims = [
            _key(ticket.key, self.places[number]) | {"request": number, "lock": ticket.key.lock}
            for number, ticket in enumerate(self.tickets)
            if ticket.key is not None
        ]
        return self._written_callers(), _json(claims)

    def to_record(self) -> Recording:
        """Return the parameters of `RECORD` for all records."""
        rows = []
        for place, ticket in zip(self.places, self.tickets, strict=True):
            if ticket.records:
                rows += _rows(place, ticket, ticket.records)
        return self._written_callers(), rows, self._written_keys()

    def to_record_in_parts(self, parts: Iterable[Sequence[Record]]) -> Iterator[Recording]:
        """Yield the parameters of `RECORD` for each part of a single ticket's records; its key comes first."""
        keys = self._written_keys()
        for part in parts:
            yield self._written_callers(), _rows(0, self.tickets[0], part), keys
            keys = None

    def _written_keys(self) -> str | None:
        keys = [
            _key(ticket.key, self.places[number]) | {"request_id": ticket.attempt.request_id}
            for number, ticket in enumerate(self.tickets)
            if ticket.key is not None
        ]
        return _json(keys) if keys else None

    def _written_callers(self) -> str:
        return _json(
            [
                {"caller": place, "actor_id": actor, "token_id": token, "role": role}
                for (actor, token, role), place in self._callers.items()
            ]
        )


def _key(key: Key, place: int) -> dict[str, Any]:
    return {
        "caller": place,
        "actor_id": key.actor_id,
        "key_sha256": f"\\x{key.sha256.hex()}",
        "fingerprint": f"\\x{key.fingerprint.hex()}",
    }


def _rows(place: int, ticket: Ticket, records: Sequence[Record]) -> list[str]:
    """Return records of one request as values of the type `prediction_to_record`.

    PostgreSQL's documentation says how they are written: "Composite Type Input and Output Syntax".
    """
    common = _common_columns(place, ticket, records[0])
    return [_row(record, common) for record in records]


def _row(record: Record, common: str) -> str:
    facts, leaf_hash = record.facts, _bytes(record.leaf_hash.hex())
    parts = ",".join([_part(record, name) for name in PARTS])
    return f"({facts.id},{facts.row},{facts.answered_at},{leaf_hash},{parts},{common})"


def _part(record: Record, name: str) -> str:
    if (part := record.parts.get(name)) is None:
        return ",,"
    salt, commitment = record.salts[name].hex(), record.commitments[name].hex()
    return f"{_text(part.decode())},{_bytes(salt)},{_bytes(commitment)}"


def _common_columns(place: int, ticket: Ticket, record: Record) -> str:
    """Return the last columns, which the rows of a request have in common."""
    facts, target = record.facts, ticket.target
    number = "" if facts.model_version is None else facts.model_version
    return (
        f"{place},{facts.request_id},{facts.received_at},{facts.actor_id},{facts.token_id or ''}"
        f",{_text(ticket.attempt.client_request_id)},{facts.channel},{record.model_id or ''}"
        f",{_text(facts.model)},{number},{_bytes(target.artifact_sha256)}"
        f",{_bytes(target.environment_sha256)},{facts.status}"
    )


def _text(text: str | None) -> str:
    """Return a text in quotes; nothing, which is null, where there is none."""
    if text is None:
        return ""
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def _bytes(digits: str | None) -> str:
    """Return bytes by their hexadecimal digits; nothing where there are none."""
    return "" if digits is None else f"\\\\x{digits}"


def _json(values: list[dict[str, Any]]) -> str:
    return orjson.dumps(values).decode()
