"""What the recorder asks of the database: claim keys, record a batch (migrations 0005 and 0014 have the functions)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from app.ledger.envelope import PARTS
from app.recorder.keys import Key
from app.recorder.records import Attempt, Record
from app.recorder.tickets import Ticket

CLAIM = "SELECT request, state, fingerprint, request_id FROM claim_keys(%s, %s)"
RECORD = "SELECT record_predictions(%s, %s, %s, %s)"
_COLUMNS = {name: (f"{name}_salt", f"{name}_commitment") for name in PARTS}
Caller = tuple[Any, ...]
Recording = tuple[str, str, str, str | None]


class Batch:
    """Tickets as the database's functions take them: callers and requests are known by their places."""

    def __init__(self, tickets: Sequence[Ticket]) -> None:
        self.tickets = tickets
        self._places: dict[Caller, int] = {}
        for ticket in tickets:
            self._places.setdefault(_caller(ticket.attempt), len(self._places))

    def place_of(self, ticket: Ticket) -> int:
        """Return the place of a ticket's caller, as the functions report it."""
        return self._places[_caller(ticket.attempt)]

    def to_claim(self) -> tuple[str, str]:
        """Return the parameters of `CLAIM`."""
        claims = [
            _key(ticket.key, self.place_of(ticket)) | {"request": number, "lock": ticket.key.lock}
            for number, ticket in enumerate(self.tickets)
            if ticket.key is not None
        ]
        return self._callers(), _json(claims)

    def to_record(self) -> Recording:
        """Return the parameters of `RECORD` for all records."""
        requests, records = [], []
        for number, ticket in enumerate(self.tickets):
            made = ticket.records or []
            requests.append(_request(number, self.place_of(ticket), ticket, made[0]))
            records += [_record(number, record) for record in made]
        return self._callers(), _json(requests), _json(records), self._keys()

    def to_record_in_parts(self, parts: Iterable[Sequence[Record]]) -> Iterator[Recording]:
        """Yield the parameters of `RECORD` for each part of a single ticket's records; its key comes first."""
        keys = self._keys()
        for part in parts:
            records = [_record(0, record) for record in part]
            request = _request(0, 0, self.tickets[0], part[0])
            yield self._callers(), _json([request]), _json(records), keys
            keys = None

    def _keys(self) -> str | None:
        keys = [
            _key(ticket.key, self.place_of(ticket)) | {"request_id": ticket.attempt.request_id}
            for ticket in self.tickets
            if ticket.key is not None
        ]
        return _json(keys) if keys else None

    def _callers(self) -> str:
        return _json(
            {"caller": place, "actor_id": actor, "token_id": token, "role": role}
            for (actor, token, role), place in self._places.items()
        )


def _caller(attempt: Attempt) -> Caller:
    return (attempt.actor_id, attempt.token_id, attempt.role)


def _key(key: Key, place: int) -> dict[str, Any]:
    return {
        "caller": place,
        "actor_id": key.actor_id,
        "key_sha256": _bytea(key.sha256),
        "fingerprint": _bytea(key.fingerprint),
    }


def _request(number: int, place: int, ticket: Ticket, record: Record) -> dict[str, Any]:
    facts = record.facts
    return {
        "request": number,
        "caller": place,
        "request_id": facts.request_id,
        "received_at": facts.received_at,
        "actor_id": facts.actor_id,
        "token_id": facts.token_id,
        "client_request_id": ticket.attempt.client_request_id,
        "channel": facts.channel,
        "model_id": record.model_id,
        "model": facts.model,
        "model_version": facts.model_version,
        "artifact_sha256": _bytea(facts.artifact_sha256),
        "environment_sha256": _bytea(facts.environment_sha256),
        "status": facts.status,
    }


def _record(number: int, record: Record) -> dict[str, Any]:
    facts = record.facts
    row: dict[str, Any] = {
        "request": number,
        "id": facts.id,
        "row": facts.row,
        "answered_at": facts.answered_at,
        "leaf_hash": _bytea(record.leaf_hash),
    }
    for name, part in record.parts.items():
        salt, commitment = _COLUMNS[name]
        row[name] = orjson.Fragment(part) if name in ("inputs", "output") else part.decode()
        row[salt] = _bytea(record.salts[name])
        row[commitment] = _bytea(record.commitments[name])
    return row


def _bytea(data: bytes | None) -> str | None:
    return None if data is None else f"\\x{data.hex()}"


def _json(values: Iterable[Mapping[str, Any]]) -> str:
    return orjson.dumps(list(values)).decode()
