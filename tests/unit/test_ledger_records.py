"""Commitments, envelopes, leaf hashes: known answers."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger import canonical
from app.ledger.commitment import commit
from app.ledger.envelope import PARTS, PredictionFacts, prediction_envelope, timestamp
from app.ledger.merkle import leaf_hash

SALT = bytes(range(32))
EARLIEST = datetime(1970, 1, 2)  # noqa: DTZ001
FACTS = PredictionFacts(
    id=UUID("01a1fb10-afac-75f5-b9d3-a946c28e1350"),
    request_id=UUID("01a1fb10-afac-75f5-b9d3-a946c28e1351"),
    row=0,
    received_at=datetime(2026, 11, 20, 10, 30, 0, 123456, timezone(timedelta(hours=1))),
    answered_at=datetime(2026, 11, 20, 9, 30, 0, 124000, UTC),
    actor_id=UUID("01a1fb10-afac-75f5-b9d3-a946c28e1352"),
    token_id=None,
    channel="api",
    model="churn",
    model_version=3,
    artifact_sha256=b"\x01" * 32,
    environment_sha256=b"\x02" * 32,
    status="accepted",
)


def test_a_commitment_is_the_hmac_of_prefix_name_and_bytes():
    expected = hmac.new(SALT, b"daybook-commit-v1\0inputs\0{}", hashlib.sha256).digest()
    assert commit("inputs", b"{}", SALT) == expected
    assert expected.hex() == "81887f419b44d39c0cbc085cd1fd6673a27c518f25e85bca4f85df8a13f5caeb"


def test_a_commitment_tells_parts_and_salts_apart():
    found = {
        commit("inputs", b"{}", SALT),
        commit("output", b"{}", SALT),
        commit("inputs", b"{ }", SALT),
        commit("inputs", b"{}", bytes(32)),
    }
    assert len(found) == 4


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_salt_of_another_length_is_refused(salt):
    with pytest.raises(ValueError, match="32 bytes"):
        commit("inputs", b"{}", salt)


def test_an_envelope_is_these_very_bytes():
    envelope = prediction_envelope(FACTS, {"inputs": b"\xaa" * 32, "output": b"\xbb" * 32})
    assert envelope.decode() == (
        '{"actor_id":"01a1fb10-afac-75f5-b9d3-a946c28e1352",'
        '"answered_at":"2026-11-20T09:30:00.124000Z",'
        f'"artifact_sha256":"{"01" * 32}","channel":"api",'
        f'"commitments":{{"inputs":"{"aa" * 32}","output":"{"bb" * 32}"}},'
        f'"environment_sha256":"{"02" * 32}",'
        '"id":"01a1fb10-afac-75f5-b9d3-a946c28e1350","kind":"prediction","model":"churn",'
        '"model_version":3,"received_at":"2026-11-20T09:30:00.123456Z",'
        '"request_id":"01a1fb10-afac-75f5-b9d3-a946c28e1351","row":0,"status":"accepted",'
        '"token_id":null,"version":1}'
    )


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_a_commitment_is_the_hmac_of_the_standard_library(salt, part):
    message = b"daybook-commit-v1\0inputs\0" + part
    assert commit("inputs", part, salt) == hmac.digest(salt, message, "sha256")


def test_a_leaf_hash_has_the_prefix_of_rfc_9162():
    assert leaf_hash(b"") == hashlib.sha256(b"\0").digest()
    # The leaf hash of the empty string in the vectors of RFC 6962 implementations.
    assert leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )


def test_a_time_without_an_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        timestamp(datetime(2026, 1, 1))  # noqa: DTZ001


@given(
    st.builds(
        PredictionFacts,
        id=st.uuids(), request_id=st.uuids(), row=st.integers(0, 10_000),
        received_at=st.datetimes(EARLIEST, timezones=st.timezones()), answered_at=st.datetimes(timezones=st.just(UTC)),
        actor_id=st.uuids(), token_id=st.none() | st.uuids(), channel=st.text(st.characters(codec="ascii", exclude_characters="\0")),
        model=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0")), model_version=st.none() | st.integers(1, 9999),
        artifact_sha256=st.none() | st.binary(min_size=32, max_size=32),
        environment_sha256=st.none() | st.binary(min_size=32, max_size=32), status=st.just("failed"),
    ),
    st.dictionaries(st.sampled_from(PARTS), st.binary(min_size=32, max_size=32)),
)  # fmt: skip
def test_an_envelope_is_the_canonical_form_of_its_members(facts, commitments):
    members = {
        name: value.hex() if isinstance(value, bytes)
        else timestamp(value) if isinstance(value, datetime)
        else str(value) if isinstance(value, UUID) else value
        for name, value in facts._asdict().items()
    }  # fmt: skip
    members |= {"kind": "prediction", "version": 1}
    members["commitments"] = {name: value.hex() for name, value in commitments.items()}
    assert prediction_envelope(facts, commitments) == canonical.encode(members)
