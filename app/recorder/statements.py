"""What the recorder asks of the database: claim keys, record a batch (migrations 0005 and 0014 have the functions)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from app.ledger.envelope import PARTS
from app.recorder.keys import Key
from app.recorder.records import Record
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
        requests, records = [], []
        for number, ticket in enumerate(self.tickets):
            made = ticket.records or []
            requests.append(_request(number, self.places[number], ticket, made[0]))
            records += [_record(number, record) for record in made]
        return self._written_callers(), _json(requests), _json(records), self._written_keys()

    def to_record_in_parts(self, parts: Iterable[Sequence[Record]]) -> Iterator[Recording]:
        """Yield the parameters of `RECORD` for each part of a single ticket's records; its key comes first."""
        keys = self._written_keys()
        for part in parts:
            records = [_record(0, record) for record in part]
            request = _request(0, 0, self.tickets[0], part[0])
            yield self._written_callers(), _json([request]), _json(records), keys
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


def _request(number: int, place: int, ticket: Ticket, record: Record) -> dict[str, Any]:
    facts, target = record.facts, ticket.target
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
        "artifact_sha256": target.artifact_sha256 and f"\\x{target.artifact_sha256}",
        "environment_sha256": target.environment_sha256 and f"\\x{target.environment_sha256}",
        "status": facts.status,
    }


def _record(number: int, record: Record) -> dict[str, Any]:
    facts = record.facts
    row: dict[str, Any] = {
        "request": number,
        "id": facts.id,
        "row": facts.row,
        "answered_at": facts.answered_at,
        "leaf_hash": f"\\x{record.leaf_hash.hex()}",
    }
    for name, part in record.parts.items():
        salt, commitment = _COLUMNS[name]
        row[name] = orjson.Fragment(part) if name in ("inputs", "output") else part.decode()
        row[salt] = f"\\x{record.salts[name].hex()}"
        row[commitment] = f"\\x{record.commitments[name].hex()}"
    return row


def _json(values: list[dict[str, Any]]) -> str:
    return orjson.dumps(values).decode()
