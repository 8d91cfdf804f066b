"""One record: does what is stored fit its envelope, and do its parts fit their commitments?

A record is a dictionary: `kind`, `facts` (what the envelope says besides `kind`, `version` and `commitments`),
`commitments` (hexadecimal, by name), `parts` (texts, by name) and `salts` (hexadecimal, by name).
"""

import json
import re
from collections.abc import Iterator
from hmac import new as hmac
from typing import Any

from .errors import Rejected

VERSION = 1
KINDS = ("prediction", "outcome", "review", "event", "erasure", "retention", "key_change", "loss")
_SALT = 32
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read_envelope(envelope: bytes) -> dict[str, Any]:
    """Return what an envelope says.

    Raises:
        Rejected: if it is no envelope that this verifier knows.
    """
    try:
        said = json.loads(envelope, object_pairs_hook=_unique)
    except Rejected:
        raise
    except (ValueError, RecursionError):
        raise Rejected("the envelope is not JSON") from None
    if not isinstance(said, dict) or said.get("version") != VERSION:
        raise Rejected("the envelope is of a version that this verifier does not know")
    if said.get("kind") not in KINDS:
        raise Rejected("the envelope is of a kind that this verifier does not know")
    if not isinstance(said.get("id"), str) or not _ID.fullmatch(said["id"]):
        raise Rejected("the envelope's id is no UUID")
    commitments = said.get("commitments")
    if not isinstance(commitments, dict) or not all(
        isinstance(c, str) for c in commitments.values()
    ):
        raise Rejected("the envelope has no commitments, or one that is no text")
    return said


def compare(said: dict[str, Any], record: dict[str, Any]) -> Iterator[str]:
    """Yield what differs between an envelope and the record that is stored."""
    if record["kind"] != said["kind"]:
        yield "kind is not what the leaf says"
    facts = {
        name: value
        for name, value in said.items()
        if name not in ("kind", "version", "commitments")
    }
    stored = record["facts"]
    for name in sorted(facts.keys() | stored.keys()):
        if name not in stored or name not in facts or not _same(facts[name], stored[name]):
            yield f"{name} is not what the leaf says"
    for name in sorted(said["commitments"].keys() | record["commitments"].keys()):
        if not _same(said["commitments"].get(name), record["commitments"].get(name)):
            yield f"the commitment of {name} is not what the leaf says"


def check_parts(said: dict[str, Any], record: dict[str, Any]) -> Iterator[str]:
    """Yield which parts are not what was committed to."""
    parts, salts = record["parts"], record["salts"]
    for name in sorted(parts.keys() | salts.keys()):
        if name not in said["commitments"]:
            yield f"{name} is stored, but the leaf has no commitment to it"
        elif name not in parts or name not in salts:
            yield f"{name} and its salt are not erased together"
        elif not fits(name, parts[name], salts[name], said["commitments"][name]):
            yield f"{name} is not what was committed to"


def missing_parts(said: dict[str, Any], record: dict[str, Any]) -> set[str]:
    """Return the parts that were committed to and are not stored."""
    return set(said["commitments"]) - set(record["parts"])


def fits(name: str, part: str, salt: str, commitment: str) -> bool:
    """Whether a commitment (hexadecimal) is to this part, with this salt."""
    try:
        key = bytes.fromhex(salt)
        message = b"daybook-commit-v1\x00" + name.encode() + b"\x00" + part.encode()
    except ValueError:
        return False
    return len(key) == _SALT and hmac(key, message, "sha256").hexdigest() == commitment


def read_record(shown: Any) -> dict[str, Any]:
    """Return a record, if it has the form of one.

    Raises:
        Rejected: if it has not.
    """
    names = ("facts", "commitments", "parts", "salts")
    if not isinstance(shown, dict) or not all(isinstance(shown.get(name), dict) for name in names):
        raise Rejected("the record is not in the form of one: facts, commitments, parts, salts")
    texts = [shown.get("kind"), *(text for name in names[1:] for text in shown[name].values())]
    if not all(isinstance(text, str) for text in texts):
        raise Rejected("the record has a kind, a commitment, a part or a salt that is no text")
    return shown


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same. Python takes 1, 1.0 and true for equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object; with the same name twice it would mean two things."""
    found = dict(members)
    if len(found) != len(members):
        raise Rejected("the envelope has a name twice")
    return found
