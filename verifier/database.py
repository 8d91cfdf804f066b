"""A live database, read by `psql` in one read-only snapshot: whoever can connect and read can verify."""

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from .book import Stored
from .errors import Finding, Rejected

_PAGE = 2_000
#: What the texts of one page may take; a single record may take more.
_PAGE_BYTES = 8_000_000
_BEFORE_ALL = -(2**63)
#: The tables are found by their names, whoever else made some; rows that a policy would hide are an error.
_BEGIN = """
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL timezone = 'UTC'; SET LOCAL search_path = pg_catalog, public; SET LOCAL row_security = off;
"""
#: Executes a statement whose rows have one column, and returns them all as text.
Ask = Callable[[str], list[str]]

CHECKPOINTS = """
SELECT json_build_array(size, note) FROM ledger_checkpoints WHERE size > {after} ORDER BY size LIMIT {limit}
"""
TILES = """
SELECT json_build_array(level, number, encode(hashes, 'hex')) FROM ledger_tiles
WHERE (level, number) >= ({level}, {number}) ORDER BY level, number LIMIT 256
"""
STRAYS = """
SELECT to_json(kind || ' ' || id) FROM (
    SELECT 'prediction' AS kind, id FROM predictions UNION ALL SELECT 'outcome', id FROM outcomes UNION ALL
    SELECT 'review', id FROM reviews UNION ALL
    SELECT 'event', id FROM events UNION ALL SELECT kind, id FROM notices
) AS recorded
WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.record_id = recorded.id AND e.kind = recorded.kind)
  AND NOT EXISTS (SELECT FROM ledger_pending w WHERE w.id = recorded.id AND w.kind = recorded.kind)
ORDER BY id LIMIT 10000
"""


def _moment(column: str) -> str:
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def _hexadecimal(column: str) -> str:
    return f"encode({column}, 'hex')"


def _object(members: Iterable[tuple[str, str]]) -> str:
    return "json_build_object(" + ", ".join(f"'{name}', {value}" for name, value in members) + ")"


def _record(alias: str, kind: str, facts: dict[str, str], parts: Iterable[str]) -> str:
    """Return the SQL expression of a record of a table; see `verifier.records`."""
    names = list(parts)
    return _object({
        "kind": kind,
        "facts": _object((name, value.format(alias)) for name, value in facts.items()),
        "commitments": _there((n, _hexadecimal(f"{alias}.{n}_commitment")) for n in names),
        "parts": _there((n, f"{alias}.{n}::text") for n in names),
        "salts": _there((n, _hexadecimal(f"{alias}.{n}_salt")) for n in names),
    }.items())  # fmt: skip


def _there(members: Iterable[tuple[str, str]]) -> str:
    return f"json_strip_nulls({_object(members)})"


_PREDICTION = {name: f"{{0}}.{name}" for name in (
    "id", "request_id", "row", "actor_id", "token_id", "channel", "model", "model_version", "status",
)} | {
    "received_at": _moment("{0}.received_at"), "answered_at": _moment("{0}.answered_at"),
    "artifact_sha256": _hexadecimal("{0}.artifact_sha256"),
    "environment_sha256": _hexadecimal("{0}.environment_sha256"),
}  # fmt: skip
_OUTCOME = {"at": _moment("{0}.at")} | {
    name: f"{{0}}.{name}" for name in ("id", "prediction_id", "actor_id", "token_id")
}
_REVIEW = {"at": _moment("{0}.at")} | {name: f"{{0}}.{name}" for name in (
    "id", "prediction_id", "actor_id", "token_id", "queue_id", "verdict", "adjudicates",
)}  # fmt: skip
_EVENT = {"id": "{0}.id", "at": _moment("{0}.at"), "event": "{0}.kind", "actor_id": "{0}.actor_id",
          "subject_id": "{0}.subject_id"}  # fmt: skip
_NOTICE = {
    "id": "{0}.id",
    "at": _moment("{0}.at"),
    "actor_id": "{0}.actor_id",
    "what": "{0}.what::jsonb",
}

#: The record of a leaf; the tables are found by the ids that leaves were given when they were sealed.
RECORD = f"""
CASE WHEN p.id IS NOT NULL THEN {_record("p", "'prediction'", _PREDICTION, ("inputs", "output", "reference", "subject"))}
     WHEN o.id IS NOT NULL THEN {_record("o", "'outcome'", _OUTCOME, ("value",))}
     WHEN w.id IS NOT NULL THEN {_record("w", "'review'", _REVIEW, ("correction", "reason", "note"))}
     WHEN v.id IS NOT NULL THEN {_record("v", "'event'", _EVENT, ("details",))}
     WHEN n.id IS NOT NULL THEN {_record("n", "n.kind", _NOTICE, ("basis",))} END
"""
JOINS = """
LEFT JOIN predictions p ON e.kind = 'prediction' AND p.id = e.record_id
LEFT JOIN outcomes o ON e.kind = 'outcome' AND o.id = e.record_id
LEFT JOIN reviews w ON e.kind = 'review' AND w.id = e.record_id
LEFT JOIN events v ON e.kind = 'event' AND v.id = e.record_id
LEFT JOIN notices n ON e.kind NOT IN ('prediction', 'outcome', 'review', 'event') AND n.id = e.record_id
"""


def _octets(column: str) -> str:
    """Return how long a text is; what is stored compressed is larger than it looks."""
    return (
        f"CASE WHEN pg_column_size({column}) > 1000 THEN octet_length({column}::text) ELSE 1000 END"
    )


LEAVES = f"""
WITH page AS MATERIALIZED (SELECT * FROM ledger_entries WHERE index > {{after}} ORDER BY index LIMIT {{limit}}),
sized AS (
    SELECT page.*, sum({_octets("p.inputs")} + {_octets("p.output")}) OVER (
        ORDER BY index ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM page LEFT JOIN predictions p ON page.kind = 'prediction' AND p.id = page.record_id)
SELECT json_build_array(e.index, encode(e.envelope, 'hex'), e.kind, e.record_id, {RECORD}) FROM sized e {JOINS}
WHERE e.before IS NULL OR e.before < {_PAGE_BYTES} ORDER BY e.index
"""
#: Which model's history shows a record is in no leaf, but its name is.
MISFILED = """
SELECT to_json('prediction ' || p.id) FROM predictions p LEFT JOIN models m ON m.id = p.model_id
WHERE m.name IS DISTINCT FROM p.model ORDER BY p.id LIMIT 10000
"""
#: The head and the roots beside the notes: the sealer goes by them.
CONTRADICTIONS = """
SELECT to_json(found) FROM (
    SELECT 'the stored root of the checkpoint of size ' || size AS found FROM ledger_checkpoints
    WHERE split_part(note, E'\\n', 2) <> size::text OR split_part(note, E'\\n', 3) <> encode(root, 'base64')
    UNION ALL
    SELECT 'the head of the book' FROM ledger_head h LEFT JOIN
        (SELECT size, root FROM ledger_checkpoints ORDER BY size DESC LIMIT 1) newest ON true
    WHERE (h.size, h.root) <> (coalesce(newest.size, 0), coalesce(newest.root, sha256('')))
) AS contradictions LIMIT 10000
"""
WAITING = "SELECT to_json(count(*)) FROM ledger_pending"


class Database:
    """Reads a book from its database.

    Args:
        ask: executes a statement, in the same snapshot for all.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._tiles: dict[tuple[int, int], bytes] = {}

    def checkpoints(self) -> Iterator[bytes]:
        """See `verifier.book.Source`."""
        page: list[tuple[int, str]] = [(-1, "")]
        while page:
            last = page[-1][0]
            page = [
                json.loads(line) for line in self._ask(CHECKPOINTS.format(after=last, limit=_PAGE))
            ]
            for _, note in page:
                yield note.encode()

    def leaves(self) -> Iterator[Stored]:
        """See `verifier.book.Source`. Also what stands before the first place or beyond a gap is read."""
        last = _BEFORE_ALL
        while page := self._ask(LEAVES.format(after=last, limit=_PAGE)):
            for line in page:
                last, entry, kind, identifier, record = json.loads(line)
                yield Stored(last, bytes.fromhex(entry), record, (kind, identifier))

    def tile(self, level: int, number: int) -> bytes | None:
        """See `verifier.book.Source`."""
        if (level, number) not in self._tiles:
            found = map(json.loads, self._ask(TILES.format(level=level, number=number)))
            self._tiles = {(row[0], row[1]): bytes.fromhex(row[2]) for row in found}
        return self._tiles.get((level, number))

    def findings(self) -> Iterator[Finding]:
        """See `verifier.book.Source`."""
        for line in self._ask(STRAYS):
            yield Finding(json.loads(line), "neither is a leaf of the book nor waits to be one")
        for line in self._ask(MISFILED):
            yield Finding(json.loads(line), "is filed under another model than the one it names")
        for line in self._ask(CONTRADICTIONS):
            yield Finding(json.loads(line), "is not what the checkpoint says")

    def waiting(self) -> int:
        """See `verifier.book.Source`."""
        return int(json.loads(self._ask(WAITING)[0]))


class Psql:
    """One `psql`, in one transaction that only reads: `with Psql(url) as ask: …`.

    Args:
        url: the address of the database; without one, psql's own settings (PGHOST and so on) are used.
    """

    _END = "\x02end"

    def __init__(self, url: str | None = None) -> None:
        # The address has a password: it is given in the environment, which other users cannot read.
        self._environment = os.environ | (_settings(url) if url else {})

    def __enter__(self) -> Ask:
        command = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"]
        try:
            self._process = subprocess.Popen(
                command, env=self._environment, text=True, encoding="utf-8",
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except FileNotFoundError:
            raise Rejected("psql is not installed here: it reads the database") from None
        try:
            self._say(_BEGIN)
        except Rejected:
            self.__exit__()
            raise
        return self._ask

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, statement: str) -> list[str]:
        # A control character as the quote: JSON has none, so no line is quoted or changed.
        copy = f"COPY ({statement}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x03')"
        self._say(f"{' '.join(copy.split())};\n\\echo '{self._END}'")
        assert self._process.stdout  # noqa: S101 (it is a pipe)
        lines: list[str] = []
        for line in self._process.stdout:
            if line == self._END + "\n":
                return lines
            lines.append(line[:-1])
        raise Rejected(f"the database cannot be read: {self._trouble()}")

    def _say(self, command: str) -> None:
        assert self._process.stdin  # noqa: S101 (it is a pipe)
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Rejected(f"the database cannot be read: {self._trouble()}") from None

    def _trouble(self) -> str:
        assert self._process.stderr  # noqa: S101 (it is a pipe)
        return " ".join(self._process.stderr.read().split())


def _settings(url: str) -> dict[str, str]:
    """Return the address as the environment variables of psql."""
    parts = urlsplit(url)
    query: dict[str, Any] = dict(parse_qsl(parts.query))
    given = {
        "PGHOST": query.get("host") or parts.hostname,
        "PGPORT": query.get("port") or parts.port,
        "PGUSER": query.get("user") or (unquote(parts.username) if parts.username else None),
        "PGPASSWORD": unquote(parts.password) if parts.password else None,
        "PGDATABASE": unquote(parts.path.lstrip("/")) or query.get("dbname"),
        "PGSSLMODE": query.get("sslmode"),
    }
    return {name: str(value) for name, value in given.items() if value}
