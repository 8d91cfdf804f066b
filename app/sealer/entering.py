"""Entering: what waits becomes entries of the book, each at its place.

Almost all of it are predictions that are what they were. PostgreSQL writes their envelopes, where they are read and
where they are stored: so they never leave it. `app.ledger.envelope` writes the same bytes for those who answer: a
client's receipt is of the one, the leaf of the other, and where the two differ nothing is entered.
"""

from collections.abc import Sequence

from psycopg2.extensions import cursor as Cursor

from app.ledger.envelope import PARTS, VERSION
from app.sealer.leaves import Leaf, Pending, read_leaves

_PREDICTION = "prediction"


def _text(column: str) -> str:
    return f"""coalesce('"' || {column} || '"', 'null')"""


def _word(column: str) -> str:
    # PostgreSQL escapes in a text what RFC 8785 does, and nothing else.
    return f"coalesce(to_json({column})::text, 'null')"


def _time(column: str) -> str:
    return f"""to_char({column} AT TIME ZONE 'UTC', '"\\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\\""')"""


def _digest(column: str) -> str:
    return _text(f"encode({column}, 'hex')")


def _commitment(part: str) -> str:
    return f"""'"{part}":"' || encode({part}_commitment, 'hex') || '"'"""


#: Each member of a prediction's envelope as SQL, in the order of their names.
_MEMBERS = {
    "actor_id": _text("actor_id"),
    "answered_at": _time("answered_at"),
    "artifact_sha256": _digest("artifact_sha256"),
    "channel": _word("channel"),
    "commitments": f"""'{{' || concat_ws(',', {", ".join(map(_commitment, PARTS))}) || '}}'""",
    "environment_sha256": _digest("environment_sha256"),
    "id": _text("id"),
    "kind": f"""'"{_PREDICTION}"'""",
    "model": _word("model"),
    "model_version": "coalesce(model_version::text, 'null')",
    "received_at": _time("received_at"),
    "request_id": _text("request_id"),
    "row": "row",
    "status": _word("status"),
    "token_id": _text("token_id"),
    "version": f"'{VERSION}'",
}
_WRITTEN = ", ',', ".join(f"""'"{name}":', {value}""" for name, value in _MEMBERS.items())
ENVELOPE = f"convert_to(concat('{{', {_WRITTEN}, '}}'), 'UTF8')"
_ENTER_PREDICTIONS = f"""
INSERT INTO ledger_entries (index, kind, record_id, envelope)
SELECT place, '{_PREDICTION}', id, {ENVELOPE}
FROM unnest(%s::bigint[], %s::uuid[]) AS new (place, record_id) JOIN predictions ON id = record_id
RETURNING index, sha256('\\x00' || envelope)
"""  # noqa: S608 (names of ours)
_ENTER = """
INSERT INTO ledger_entries (index, kind, record_id, envelope)
SELECT place, kind, id::uuid, convert_to(envelope, 'UTF8')
FROM unnest(%s::bigint[], string_to_array(%s, E'\\n'), string_to_array(%s, E'\\n'), string_to_array(%s, E'\\n'))
    AS new (place, kind, id, envelope)
"""


class NotEnteredError(Exception):
    """Something that waits is not what it was, or is gone: nothing was entered that could stay."""


def enter_pending(
    cursor: Cursor, size: int, waiting: Sequence[Pending]
) -> tuple[list[bytes], list[Leaf]]:
    """Enter pending records behind the last one; return all leaf hashes, and the leaves that are no predictions.

    Args:
        cursor: in a transaction.
        size: of the book.
        waiting: in the order of their places.

    Raises:
        NotEnteredError: if one of them must not be sealed; what was entered is to be rolled back.
    """
    hashes = [b""] * len(waiting)
    predictions = [(at, one) for at, one in enumerate(waiting) if one.kind == _PREDICTION]
    others = [(at, one) for at, one in enumerate(waiting) if one.kind != _PREDICTION]
    _enter_predictions(cursor, size, predictions, hashes)
    leaves = read_leaves(cursor, [pending for _, pending in others])
    if any(leaf.fault is not None for leaf in leaves):
        raise NotEnteredError
    if leaves:
        enter_leaves(cursor, [size + at for at, _ in others], leaves)
    for (at, _), leaf in zip(others, leaves, strict=True):
        hashes[at] = leaf.hash
    return hashes, leaves


def enter_leaves(cursor: Cursor, places: Sequence[int], leaves: Sequence[Leaf]) -> None:
    """Enter leaves, each at its place."""
    cursor.execute(_ENTER, (
        list(places), "\n".join(leaf.pending.kind for leaf in leaves), "\n".join(leaf.pending.id for leaf in leaves),
        b"\n".join(leaf.envelope for leaf in leaves).decode(),  # Canonical JSON has no line ends.
    ))  # fmt: skip


def _enter_predictions(
    cursor: Cursor, size: int, waiting: Sequence[tuple[int, Pending]], hashes: list[bytes]
) -> None:
    if not waiting:
        return
    places = "{" + ",".join(str(size + at) for at, _ in waiting) + "}"
    cursor.execute(_ENTER_PREDICTIONS, (places, "{" + ",".join(one.id for _, one in waiting) + "}"))
    if cursor.rowcount != len(waiting):
        raise NotEnteredError
    for place, hashed in cursor:
        hashes[place - size] = bytes(hashed)
    if any(one.leaf_hash not in (None, hashes[at]) for at, one in waiting):
        raise NotEnteredError
