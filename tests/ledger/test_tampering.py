"""Whatever is changed under a checkpoint that somebody else holds is found, and the finding names the record.

Each way to tamper, at each level: one record's proof, the consistency with a kept checkpoint, the whole book.
"""

from dataclasses import dataclass

import pytest

#: The record that is tampered with: in the second tile of leaves, under the checkpoint that was kept.
VICTIM = 250


@dataclass(frozen=True)
class Case:
    """How to tamper, and what each level says; None where that level cannot know."""

    statements: tuple[str, ...]
    one_record: str | None
    consistency: str | None
    whole_book: str


def case(*statements, one_record=None, consistency=None, whole_book):
    return Case(statements, one_record, consistency, whole_book)


RECORD = "prediction {id}"
CASES = {
    "a byte of the inputs": case(
        "UPDATE predictions SET inputs = replace(inputs::text, 'FR', 'DE')::json WHERE id = :id",
        one_record="inputs is not what was committed to",
        whole_book=RECORD + "): inputs is not what was committed to",
    ),
    "a byte of the output": case(
        "UPDATE predictions SET output = replace(output::text, '0.', '0.1')::json WHERE id = :id",
        one_record="output is not what was committed to",
        whole_book=RECORD + "): output is not what was committed to",
    ),
    "only spaces": case(
        "UPDATE predictions SET inputs = replace(inputs::text, ',', ', ')::json WHERE id = :id",
        one_record="inputs is not what was committed to",
        whole_book=RECORD + "): inputs is not what was committed to",
    ),
    "the salt": case(
        "UPDATE predictions SET inputs_salt = sha256(inputs_salt) WHERE id = :id",
        one_record="inputs is not what was committed to",
        whole_book=RECORD + "): inputs is not what was committed to",
    ),
    "the salt alone erased": case(
        "UPDATE predictions SET inputs_salt = NULL WHERE id = :id",
        one_record="inputs and its salt are not erased together",
        whole_book=RECORD + "): inputs and its salt are not erased together",
    ),
    "a part erased without a leaf": case(
        "UPDATE predictions SET inputs = NULL, inputs_salt = NULL WHERE id = :id",
        whole_book="(record {id}): inputs is gone, and no leaf says why",
    ),
    "a part that was never there": case(
        "UPDATE predictions SET subject = 'somebody', subject_salt = sha256('x') WHERE id = :id",
        one_record="subject is stored, but the leaf has no commitment to it",
        whole_book=RECORD + "): subject is stored, but the leaf has no commitment to it",
    ),
    "the commitment": case(
        "UPDATE predictions SET inputs_commitment = sha256('x') WHERE id = :id",
        one_record="the commitment of inputs is not what the leaf says",
        whole_book=RECORD + "): the commitment of inputs is not what the leaf says",
    ),
    **{
        f"the column {column}": case(
            f"UPDATE predictions SET {column} = {value} WHERE id = :id",
            one_record=f"{column} is not what the leaf says",
            whole_book=RECORD + f"): {column} is not what the leaf says",
        )
        for column, value in {
            "request_id": "gen_random_uuid()", "row": "row + 1", "channel": "'form'", "model": "'other'",
            "model_version": "2", "status": "'failed'", "actor_id": "gen_random_uuid()", "token_id": "gen_random_uuid()",
            "received_at": "received_at - interval '1 microsecond'", "answered_at": "answered_at + interval '1 day'",
            "artifact_sha256": "sha256('x')", "environment_sha256": "NULL",
        }.items()
    },
    "filed under another model": case(
        "UPDATE predictions SET model_id = NULL WHERE id = :id",
        whole_book=RECORD + ": is filed under another model than the one it names",
    ),
    "a trigger disabled, and an edit": case(
        "ALTER TABLE predictions DISABLE TRIGGER ALL",
        "UPDATE predictions SET output = '{{\"prediction\":\"no\"}}' WHERE id = :id",
        one_record="output is not what was committed to",
        whole_book=RECORD + "): output is not what was committed to",
    ),
    "the record deleted": case(
        "DELETE FROM predictions WHERE id = :id",
        one_record="There is no such record",
        whole_book="(record {id}): the record is gone, and no leaf says why",
    ),
    "record and leaf deleted": case(
        "DELETE FROM predictions WHERE id = :id",
        "DELETE FROM ledger_entries WHERE record_id = :id",
        one_record="There is no such record in the book",
        whole_book="leaf {next}: stands where leaf {leaf} should",
    ),
    "the leaf deleted": case(
        "DELETE FROM ledger_entries WHERE record_id = :id",
        one_record="There is no such record in the book",
        whole_book=RECORD + ": neither is a leaf of the book nor waits to be one",
    ),
    "the leaf changed": case(
        "UPDATE ledger_entries SET envelope = convert_to(replace(convert_from(envelope, 'UTF8'), 'churn', 'other'), 'UTF8')"
        " WHERE record_id = :id",
        one_record="leads to another root",
        whole_book=RECORD + "): model is not what the leaf says",
    ),
    "record and leaf changed alike": case(
        "UPDATE predictions SET model = 'other' WHERE id = :id",
        "UPDATE ledger_entries SET envelope = convert_to(replace(convert_from(envelope, 'UTF8'), 'churn', 'other'), 'UTF8')"
        " WHERE record_id = :id",
        one_record="leads to another root",
        whole_book="is not what the leaves make, first at leaf {leaf}.",
    ),
    "a leaf that is no envelope": case(
        "UPDATE ledger_entries SET envelope = '\\x7b7b' WHERE record_id = :id",
        one_record="leads to another root",
        whole_book="leaf {leaf}: the envelope is not JSON",
    ),
    "two leaves swapped": case(
        "UPDATE ledger_entries a SET envelope = b.envelope, kind = b.kind FROM ledger_entries b"
        " WHERE abs(a.index - b.index) = 1 AND least(a.index, b.index) = :leaf",
        one_record="leads to another root",
        whole_book="is not what the leaves make, first at leaf {leaf}.",
    ),
    "a back-dated record": case(
        "INSERT INTO predictions SELECT (p2).* FROM (SELECT jsonb_populate_record(p, jsonb_build_object('id',"
        " overlay(p.id::text placing 'ffff' from 33))) AS p2 FROM predictions p WHERE id = :id) AS one",
        whole_book="prediction {early}: neither is a leaf of the book nor waits to be one",
    ),
    "a back-dated record, filed before the first leaf": case(
        "INSERT INTO predictions SELECT (p2).* FROM (SELECT jsonb_populate_record(p, jsonb_build_object('id',"
        " overlay(p.id::text placing 'ffff' from 33))) AS p2 FROM predictions p WHERE id = :id) AS one",
        "INSERT INTO ledger_entries SELECT -1, 'prediction', overlay(:id placing 'ffff' from 33)::uuid, envelope"
        " FROM ledger_entries WHERE index = 0",
        whole_book="leaf -1: stands where leaf 0 should",
    ),
    "a back-dated record with the id of an event": case(
        "INSERT INTO predictions SELECT (p2).* FROM (SELECT jsonb_populate_record(p, jsonb_build_object('id',"
        " (:event)::text)) AS p2 FROM predictions p WHERE id = :id) AS one",
        whole_book="prediction {event}: neither is a leaf of the book nor waits to be one",
    ),
    "a leaf filed as another record": case(
        "UPDATE ledger_entries SET kind = 'event' WHERE record_id = :id",
        whole_book="is filed as another record, event {id}",
    ),
    "a second leaf of one record": case(
        "ALTER TABLE ledger_entries DROP CONSTRAINT uq_ledger_entries_record_id",
        "INSERT INTO ledger_entries SELECT (SELECT max(index) + 1 FROM ledger_entries), kind, record_id, envelope"
        " FROM ledger_entries WHERE record_id = :id",
        whole_book="is a second one of record {id}",
    ),
    "a tile changed": case(
        "UPDATE ledger_tiles SET hashes = overlay(hashes placing sha256('x') from 1) WHERE level = 0 AND number = 1",
        one_record="leads to another root",
        consistency="leads to other roots",
        whole_book="tile 1 of level 0 is not what the leaves make, first at leaf 256",
    ),
    "an upper tile changed": case(
        "UPDATE ledger_tiles SET hashes = overlay(hashes placing sha256('x') from 1) WHERE level = 1 AND number = 0",
        one_record="leads to another root",
        consistency="leads to other roots",
        whole_book="tile 0 of level 1 is not what the leaves make",
    ),
    "a tile deleted": case(
        "DELETE FROM ledger_tiles WHERE level = 0 AND number = 1",
        one_record="Tile 1 of level 0 is missing",
        consistency="Tile 1 of level 0 is missing",
        whole_book="tile 1 of level 0 is missing",
    ),
    "a checkpoint changed": case(
        "UPDATE ledger_checkpoints SET note = replace(note, E'\\n' || size || E'\\n', E'\\n' || size + 1 || E'\\n')"
        " WHERE size = (SELECT max(size) FROM ledger_checkpoints)",
        one_record="is wrong",
        consistency="The book has",
        whole_book="tells of {more} leaves, but the book has {size}",
    ),
    "the newest checkpoint deleted": case(
        "DELETE FROM ledger_checkpoints WHERE size = (SELECT max(size) FROM ledger_checkpoints)",
        whole_book="the book: no checkpoint is signed for its",
    ),
    "the stored root of a checkpoint": case(
        "UPDATE ledger_checkpoints SET root = sha256('x') WHERE size = (SELECT min(size) FROM ledger_checkpoints)",
        whole_book="the stored root of the checkpoint of size",
    ),
    "the head moved back": case(
        "UPDATE ledger_head SET size = size - 1",
        consistency="The book has",
        whole_book="the head of the book: is not what the checkpoint says",
    ),
    "a month dropped": case(
        "ALTER TABLE predictions DETACH PARTITION {month}",
        "DROP TABLE {month}",
        one_record="There is no such record",
        whole_book="(record {id}): the record is gone, and no leaf says why",
    ),
    "an event edited": case(
        "UPDATE events SET details = '{{}}' WHERE details IS NOT NULL",
        whole_book="(event {event}): details is not what was committed to",
    ),
    "an event deleted": case(
        "DELETE FROM events WHERE id = :event",
        whole_book="(record {event}): the record is gone, and no leaf says why",
    ),
    "an outcome edited": case(
        "UPDATE outcomes SET value = '\"no\"'",
        whole_book="(outcome {outcome}): value is not what was committed to",
    ),
    "an outcome of another prediction": case(
        "UPDATE outcomes SET prediction_id = :id",
        whole_book="(outcome {outcome}): prediction_id is not what the leaf says",
    ),
    "an outcome erased without a leaf": case(
        "UPDATE outcomes SET value = NULL, value_salt = NULL",
        whole_book="(record {outcome}): value is gone, and no leaf says why",
    ),
    "an outcome deleted": case(
        "DELETE FROM outcomes",
        whole_book="(record {outcome}): the record is gone, and no leaf says why",
    ),
    "a verdict changed": case(
        "UPDATE reviews SET verdict = 'agree'",
        whole_book="(review {review}): verdict is not what the leaf says",
    ),
    "a note changed": case(
        "UPDATE reviews SET note = 'All is well.'",
        whole_book="(review {review}): note is not what was committed to",
    ),
    "a note added": case(
        "UPDATE reviews SET correction = '\"no\"', correction_salt = note_salt",
        whole_book="(review {review}): correction is stored, but the leaf has no commitment to it",
    ),
    "a review deleted": case(
        "DELETE FROM reviews",
        whole_book="(record {review}): the record is gone, and no leaf says why",
    ),
    "an outcome that nobody reported": case(
        "INSERT INTO outcomes SELECT overlay(id::text placing 'ffff' from 33)::uuid, at, prediction_id, actor_id, token_id,"
        " '\"no\"', value_salt, value_commitment FROM outcomes",
        whole_book="outcome {forged}: neither is a leaf of the book nor waits to be one",
    ),
}  # fmt: skip


@pytest.fixture
def names(house):
    """What statements and findings speak of."""
    from sqlalchemy import text

    from app.extensions import db

    with house.context():
        identifier = house.ids[VICTIM]
        return {
            "id": identifier, "early": identifier[:32] + "ffff",
            "leaf": (leaf := db.session.scalar(text("SELECT index FROM ledger_entries WHERE record_id = :id"), {"id": identifier})),
            "next": leaf + 1, "size": (size := db.session.scalar(text("SELECT size FROM ledger_head"))), "more": size + 1,
            "event": str(db.session.scalar(text("SELECT id FROM events WHERE details IS NOT NULL ORDER BY id DESC LIMIT 1"))),
            "outcome": (outcome := str(db.session.scalar(text("SELECT id FROM outcomes")))), "review": str(db.session.scalar(text("SELECT id FROM reviews"))), "forged": outcome[:32] + "ffff",
            "month": db.session.scalar(text("SELECT tableoid::regclass::text FROM predictions WHERE id = :id"), {"id": identifier}),
        }  # fmt: skip


@pytest.mark.parametrize("how", CASES)
def test_tampering_is_found(house, names, capsys, how):
    expected = CASES[how]
    for statement in expected.statements:
        wanted = {name: names[name] for name in ("id", "leaf", "event") if f":{name}" in statement}
        assert (
            house.tamper(
                statement.replace("{month}", names["month"]).replace("{{", "{").replace("}}", "}"),
                **wanted,
            )
            != 0
        )
    code, said = house.whole_book(capsys)
    assert code == 1
    assert expected.whole_book.format(**names) in said
    for level, finding in (
        (house.one_record(capsys, names["id"]), expected.one_record), (house.consistency(capsys), expected.consistency),
    ):  # fmt: skip
        code, said = level
        assert (code, finding or "GOOD") == (0 if finding is None else 1, finding or "GOOD"), said
        assert (finding or "GOOD") in said


def test_an_untouched_book_is_good_at_every_level(house, names, capsys):
    for code, said in (
        house.one_record(capsys, names["id"]),
        house.consistency(capsys),
        house.whole_book(capsys),
        house.whole_book(capsys, held=False),
    ):
        assert code == 0, said
        assert "GOOD" in said
