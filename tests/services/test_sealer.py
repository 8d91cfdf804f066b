"""Sealing: what waits becomes leaves, in one transaction, under one signed checkpoint."""

import json

import pytest
from sqlalchemy import select, text

from app.extensions import db
from app.ledger.merkle import leaf_hash
from app.models import (
    EventKind,
    LedgerCheckpoint,
    LedgerEntry,
    LedgerFinding,
    LedgerHead,
    Prediction,
    ledger_pending,
)
from app.sealer import entering
from app.sealer.entering import ENVELOPE
from app.services import ledger, proofs
from app.services.events import record_event
from app.services.history import leaf_hash_of
from tests.support.asking import ask
from tests.support.history import record_some
from tests.support.hostile import tamper
from verifier.notes import Key, open_checkpoint
from verifier.proofs import verify_proof


@pytest.fixture
def sealer(context):
    sealer = context.extensions["sealer"]
    sealer.seal_all()
    return sealer


def keys(app):
    return frozenset(Key.parse(key.public.to_text()) for key in app.extensions["ledger_keys"].all())


def waiting():
    return db.session.scalar(select(db.func.count()).select_from(ledger_pending))


def test_predictions_and_events_wait_and_are_sealed(context, sealer, cast):
    size = db.session.get(LedgerHead, 1).size
    ids = ask(context, cast["owner"], rows=3)
    record_event(EventKind.SIGNED_IN, actor_id=cast["owner"].id)
    assert waiting() == 4
    sealed = sealer.seal()
    assert (sealed.leaves, sealed.set_aside, sealed.size) == (4, 0, size + 4)
    assert waiting() == 0
    entries = db.session.scalars(select(LedgerEntry).where(LedgerEntry.index >= size)).all()
    assert sorted(entry.kind for entry in entries) == ["event"] + ["prediction"] * 3
    assert {entry.record_id for entry in entries if entry.kind == "prediction"} == set(ids)


def test_the_leaf_is_the_one_that_the_client_was_told(context, sealer, cast):
    (identifier,) = ask(context, cast["owner"])
    sealer.seal()
    record = db.session.get(Prediction, identifier)
    entry = db.session.scalar(select(LedgerEntry).where(LedgerEntry.record_id == identifier))
    assert leaf_hash(entry.envelope) == leaf_hash_of(record)


def test_every_record_is_proven_to_the_verifier(context, sealer, cast):
    ids = ask(context, cast["owner"], rows=5)
    sealer.seal()
    for identifier in ids:
        proven = verify_proof(proofs.proof_of(identifier).to_text(), keys(context))
        assert proven.envelope["id"] == str(identifier)
        assert proven.envelope["kind"] == "prediction"


def test_old_proofs_hold_when_the_book_has_grown(context, sealer, cast):
    (identifier,) = ask(context, cast["owner"])
    sealer.seal()
    old = proofs.proof_of(identifier).to_text()
    for _ in range(3):
        ask(context, cast["owner"], rows=100)
        sealer.seal()
    assert verify_proof(old, keys(context)).index == verify_proof(
        proofs.proof_of(identifier).to_text(), keys(context)
    ).index  # fmt: skip


def test_a_checkpoint_is_signed_for_each_batch_and_they_are_consistent(context, sealer, cast):
    before = ledger.newest_checkpoint()
    ask(context, cast["owner"], rows=2)
    sealer.seal(limit=1)
    sealer.seal(limit=1)
    notes = db.session.scalars(
        select(LedgerCheckpoint)
        .where(LedgerCheckpoint.size >= before.size)
        .order_by(LedgerCheckpoint.size)
    ).all()
    assert [note.size for note in notes] == [before.size, before.size + 1, before.size + 2]
    for note in notes:
        opened = open_checkpoint(note.note.encode(), keys(context))
        assert (opened.size, opened.root) == (note.size, note.root)


def test_nothing_to_seal_makes_no_checkpoint(context, sealer):
    before = ledger.newest_checkpoint().size
    assert sealer.seal().leaves == 0
    assert ledger.newest_checkpoint().size == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("inputs_commitment = sha256('x')", "the record is not what its client was answered"),
        ("model = 'other'", "the record is not what its client was answered"),
        ("answered_at = answered_at + interval '1 microsecond'", "the record is not what its client was answered"),
        (None, "the record is gone"),
    ],
)  # fmt: skip
def test_a_record_that_was_changed_before_it_was_sealed_is_set_aside(
    context, sealer, cast, change, why
):
    changed, neighbour = ask(context, cast["owner"], rows=2)
    what = f"UPDATE predictions SET {change}" if change else "DELETE FROM predictions"
    assert tamper(db.session, f"{what} WHERE id = :id", id=changed) == 1
    sealed = sealer.seal()
    assert (sealed.leaves, sealed.set_aside) == (1, 1)
    assert db.session.get(LedgerFinding, changed).what == why
    assert proofs.proof_of(neighbour)
    if change:
        seal = proofs.seal_of(db.session.get(Prediction, changed))
        assert (seal.state, seal.fault) == (proofs.SealState.MISMATCH, why)


def test_the_envelope_of_an_event_is_canonical(context, sealer, cast):
    record_event(EventKind.TOKEN_CREATED, actor_id=cast["owner"].id, name="nightly")
    sealer.seal()
    entry = db.session.scalar(select(LedgerEntry).order_by(LedgerEntry.index.desc()).limit(1))
    said = json.loads(entry.envelope)
    assert (said["kind"], said["event"], said["actor_id"]) == (
        "event",
        "user:token:created",
        str(cast["owner"].id),
    )
    assert "nightly" not in entry.envelope.decode()
    assert entry.envelope == json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("ledger_entries", "UPDATE ledger_entries SET kind = 'x'"),
        ("ledger_entries", "DELETE FROM ledger_entries"),
        ("ledger_entries", "TRUNCATE ledger_entries"),
        ("ledger_checkpoints", "UPDATE ledger_checkpoints SET note = 'x'"),
        ("ledger_checkpoints", "DELETE FROM ledger_checkpoints"),
        ("ledger_tiles", "UPDATE ledger_tiles SET hashes = sha256('x')"),
        ("ledger_tiles", "DELETE FROM ledger_tiles"),
        ("ledger_tiles", "TRUNCATE ledger_tiles"),
        ("ledger_findings", "TRUNCATE ledger_findings"),
        ("ledger_head", "DELETE FROM ledger_head"),
        ("notices", "TRUNCATE notices"),
    ],
)
def test_the_books_tables_refuse_changes(context, sealer, cast, table, change):
    """As their owner, with every right: the triggers bind honest hands."""
    import psycopg2
    from sqlalchemy.exc import DBAPIError

    ask(context, cast["owner"])
    sealer.seal()
    db.session.execute(text("RESET ROLE"))
    with pytest.raises(DBAPIError) as refusal:
        db.session.execute(text(change))
    assert isinstance(refusal.value.orig, psycopg2.errors.RestrictViolation)
    assert table in str(refusal.value.orig)
    db.session.rollback()


ODD_TEXTS = ["churn", "ünï 💡", 'a"b\\c', "\x01\x1f\x7f\n\r\t\b\f", "</script>\u2028", ""]


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_postgresql_writes_the_envelope_that_python_writes(context, client, cast, odd):
    """Whatever is in the columns: names are texts, and what a refused request never reached is null."""
    record_some(client, cast)
    for column, value in (("model", odd), ("channel", odd), ("token_id", None), ("row", 7)):
        tamper(db.session, f"UPDATE predictions SET {column} = :value WHERE row = 1", value=value)
    tamper(
        db.session, "UPDATE predictions SET received_at = '2026-01-02 03:04:05+02' WHERE row = 2"
    )
    written = dict(
        db.session.connection().exec_driver_sql(f"SELECT id, {ENVELOPE} FROM predictions").all()
    )
    records = db.session.scalars(select(Prediction)).all()
    assert len(records) == len(written) > 10
    for record in records:
        assert leaf_hash(bytes(written[record.id])) == leaf_hash_of(record)


def test_predictions_do_not_leave_the_database_to_be_sealed(context, sealer, cast, monkeypatch):
    read = []
    monkeypatch.setattr(entering, "read_leaves", lambda _, waiting: read.extend(waiting) or [])
    ask(context, cast["owner"], rows=3)
    assert sealer.seal().leaves == 3
    assert read == []


def test_one_that_is_not_what_it_was_keeps_no_other_out(context, sealer, cast):
    ids = ask(context, cast["owner"], rows=4)
    record_event(EventKind.SIGNED_IN, actor_id=cast["owner"].id)
    tamper(db.session, "UPDATE predictions SET model_version = 7 WHERE id = :id", id=ids[2])
    tamper(db.session, "DELETE FROM predictions WHERE id = :id", id=ids[3])
    sealed = sealer.seal()
    assert (sealed.leaves, sealed.set_aside) == (3, 2)
    why = {one.record_id: one.what for one in db.session.scalars(select(LedgerFinding))}
    assert why == {
        ids[2]: "the record is not what its client was answered",
        ids[3]: "the record is gone",
    }
