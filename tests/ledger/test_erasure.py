"""Erasure and retention: what goes is gone, what was proven stays proven, and each has its leaf."""

import contextlib
import json
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app import identifiers
from app.extensions import db
from app.models import Event, EventKind, LegalHold, Notice, NoticeKind, Outcome, Prediction, Review
from app.services import books, erasure, proofs, reporting, retention
from app.services.errors import (
    ConflictError,
    HeldError,
    InvalidInputsError,
    NotSealedError,
    UnknownThingError,
)
from app.services.notices import record_notice
from app.services.reviewing import Draft, review_prediction
from tests.support.asking import ask
from tests.support.cast import sign_in
from tests.support.past import Past

BASIS = "GDPR Art. 17, request of Mrs Example"


@pytest.fixture
def run(house):
    from app.cli.main import Menu

    menu = Menu(create_app=lambda: house.app, add_default_commands=False)

    def invoke(*arguments):
        result = house.app.test_cli_runner().invoke(menu, arguments)
        return result.exit_code, result.stdout.strip(), result.stderr

    return invoke


def erase(house, identifier, **more):
    with house.context():
        notice = erasure.erase_prediction(identifier, basis=BASIS, actor_id=None, **more)
        db.session.commit()
        return notice.id


def test_an_erased_record_has_neither_texts_nor_salts_and_its_old_proof_holds(house, capsys):
    victim = house.ids[20]
    with house.context():
        old = house.folder / "old.tlog-proof"
        old.write_text(proofs.proof_of(victim).to_text())
    erase(house, victim)
    with house.context():
        record = db.session.get(Prediction, victim)
        assert {
            getattr(record, name) for name in ("inputs", "inputs_salt", "output", "output_salt")
        } == {None}
        assert record.inputs_commitment
        (house.folder / "record.json").write_bytes(proofs.record_document("prediction", record.id))
    code, said = house.verify(
        capsys, "proof", old, "--key", house.key, "--record", house.folder / "record.json"
    )
    assert (code, "GOOD" in said) == (0, True)


def test_the_erasure_is_a_leaf_and_without_it_the_book_is_broken(house, capsys):
    victim = house.ids[20]
    notice = erase(house, victim)
    code, said = house.whole_book(capsys)
    assert (code, f"(record {victim}): inputs is gone, and no leaf says why" in said) == (
        1,
        True,
    ), "it is not sealed yet"
    house.seal()
    assert house.whole_book(capsys)[0] == 0
    with house.context():
        entry = proofs.entry_of(notice)
        said = json.loads(entry.envelope)
        assert (entry.kind, said["what"]) == (
            "erasure",
            {"parts": ["inputs", "output"], "record_id": victim},
        )
        assert "Mrs Example" not in entry.envelope.decode(), "the basis is committed to, not told"
    exported = house.folder / "exported"
    with house.context():
        books.export_book(exported, [house.key])
    assert house.verify(capsys, "bundle", exported, "--key", house.key)[0] == 0


def test_a_notice_of_another_kind_than_its_leaf_is_a_finding(house, capsys):
    notice = erase(house, house.ids[20])
    house.seal()
    house.tamper("UPDATE notices SET kind = 'loss' WHERE id = :id", id=notice)
    code, said = house.whole_book(capsys)
    assert (code, f"(erasure {notice}): kind is not what the leaf says" in said) == (1, True)


@pytest.mark.parametrize("part", ["", "details"])
def test_an_erasure_leaf_explains_parts_of_predictions_and_nothing_else(house, capsys, part):
    with house.context():
        record_notice(NoticeKind.ERASURE, actor_id=None, record_id=house.ids[20], parts=[part])
        db.session.commit()
    house.tamper("DELETE FROM predictions WHERE id = :id", id=house.ids[20])
    house.seal()
    code, said = house.whole_book(capsys)
    assert (code, "is no part that can be erased" in said) == (1, True)
    assert f"(record {house.ids[20]}): the record is gone, and no leaf says why" in said


def test_an_erasure_may_be_sealed_before_what_it_erases(house, capsys):
    with house.context() as app:
        victim = ask(app, app.extensions["cast"]["owner"])[0]
    erase(house, victim)
    house.tamper("CREATE TABLE put_off AS SELECT * FROM ledger_pending WHERE id = :id", id=victim)
    house.tamper("DELETE FROM ledger_pending WHERE id = :id", id=victim)
    house.seal()
    house.tamper("INSERT INTO ledger_pending SELECT * FROM put_off")
    house.seal()
    code, said = house.whole_book(capsys)
    assert (code, "2 parts erased" in said) == (0, True), said


def test_what_an_erasure_leaf_names_must_be_gone(house, capsys):
    """After a restore from a backup, say: the erasure is in the book, and the person's data are back."""
    victim = house.ids[20]
    with house.context():
        before = db.session.execute(
            text("SELECT inputs::text, inputs_salt FROM predictions WHERE id = :id"), {"id": victim}
        ).one()
    erase(house, victim)
    house.seal()
    house.tamper("UPDATE predictions SET inputs = CAST(:inputs AS json), inputs_salt = :salt WHERE id = :id",
                 inputs=before[0], salt=bytes(before[1]), id=victim)  # fmt: skip
    code, said = house.whole_book(capsys)
    assert (code, f"erases inputs of record {victim}, which is stored all the same" in said) == (
        1,
        True,
    )


def test_after_a_restore_erasures_are_done_again_from_an_export(house, run, capsys):
    victims = house.ids[20:23]
    with house.context():
        before = db.session.execute(
            text(
                "SELECT id, inputs::text, inputs_salt FROM predictions WHERE id = ANY (CAST(:ids AS uuid[]))"
            ),
            {"ids": victims},
        ).all()
        for victim in victims:
            erasure.erase_prediction(victim, basis=BASIS, actor_id=None)
        db.session.commit()
    house.seal()
    assert run("ledger", "export", str(house.folder / "book"))[0] == 0
    for identifier, inputs, salt in before[:2]:
        house.tamper("UPDATE predictions SET inputs = CAST(:inputs AS json), inputs_salt = :salt WHERE id = :id",
                     inputs=inputs, salt=bytes(salt), id=identifier)  # fmt: skip
    assert run("ledger", "replay-erasures", str(house.folder / "book"))[:2] == (0, "2")
    assert run("ledger", "replay-erasures", str(house.folder / "book"))[:2] == (0, "0")
    house.seal()
    assert house.whole_book(capsys)[0] == 0
    assert run("ledger", "replay-erasures", str(house.folder))[0] == 1


def test_all_records_of_a_subject_are_erased_together(house, capsys, cast):
    with house.context() as app:
        ask(app, cast["owner"], rows=3, subjects=["customer-7", "customer-8", "customer-7"])
        assert len(erasure.erase_subject("customer-7", basis=BASIS, actor_id=cast["admin"].id)) == 2
        db.session.commit()
        left = db.session.execute(
            text("SELECT subject, inputs IS NULL FROM predictions ORDER BY id DESC LIMIT 3")
        ).all()
        assert sorted(left, key=str) == [("customer-8", False), (None, True), (None, True)]
        with pytest.raises(UnknownThingError):
            erasure.erase_subject("customer-7", basis=BASIS, actor_id=None)
    house.seal()
    assert house.whole_book(capsys)[0] == 0


def test_a_legal_hold_forbids_it_until_it_is_lifted(house, cast):
    with house.context() as app:
        ids = ask(app, cast["owner"], rows=2, subjects=["customer-7", "customer-7"])
        for given in ({"prediction_id": ids[1]}, {"subject": "customer-7"}):
            hold = erasure.place_hold(**given, reason="case 12", actor_id=cast["admin"].id)
            db.session.commit()
            with pytest.raises(HeldError, match=str(hold.id)):
                erasure.erase_subject("customer-7", basis=BASIS, actor_id=None)
            with pytest.raises(HeldError):
                erasure.erase_prediction(ids[1], basis=BASIS, actor_id=None)
            db.session.rollback()
            assert db.session.get(Prediction, ids[0]).inputs, "nothing was erased"
            erasure.lift_hold(hold.id, actor_id=cast["admin"].id)
            db.session.commit()
            with pytest.raises(UnknownThingError):
                erasure.lift_hold(hold.id, actor_id=None)
        assert len(erasure.erase_subject("customer-7", basis=BASIS, actor_id=None)) == 2
        assert not erasure.holds()
        kinds = db.session.scalars(select(Event.kind).order_by(Event.id.desc()).limit(4)).all()
        assert kinds == [EventKind.HOLD_LIFTED, EventKind.HOLD_PLACED] * 2


@pytest.mark.parametrize("basis", ["", "   ", "x" * 501])
def test_a_basis_is_wanted(house, basis):
    with house.context(), pytest.raises(InvalidInputsError, match="1 to 500 characters"):
        erasure.erase_prediction(house.ids[0], basis=basis, actor_id=None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("inputs = '{}'", "a part may be erased, not changed"),
        ("inputs = NULL", "a part may be erased, not changed"),
        ("inputs_salt = NULL", "a part may be erased, not changed"),
        ("inputs = NULL, inputs_salt = NULL, model = 'x'", "its rows are never changed"),
        ("inputs_commitment = NULL", "its rows are never changed"),
        ("inputs = NULL, inputs_salt = NULL", "no notice says that the record is erased"),
    ],
)  # fmt: skip
def test_records_cannot_be_changed_under_the_name_of_erasure(house, change, why):
    """Not even by their owner; the service's role may not update at all."""
    statement = text(f"UPDATE predictions SET {change} WHERE id = :id")
    with house.context():
        with pytest.raises(DBAPIError) as refusal:
            db.session.execute(statement, {"id": house.ids[3]})
        assert isinstance(refusal.value.orig, psycopg2.errors.InsufficientPrivilege)
        db.session.rollback()
        db.session.execute(text("RESET ROLE"))
        with pytest.raises(DBAPIError, match=why) as refusal:
            db.session.execute(statement, {"id": house.ids[3]})
        assert isinstance(refusal.value.orig, psycopg2.errors.RestrictViolation)
        db.session.rollback()
        db.engine.dispose()


def test_pages_and_api_tell_of_an_erasure(house, cast):
    victim = house.ids[-1]
    erase(house, victim)
    client = house.app.test_client()
    sign_in(client, cast["owner"])
    assert "about to be sealed" in client.get(f"/predictions/{victim}").text
    house.seal()
    page = client.get(f"/predictions/{victim}").text
    assert "That it was, is leaf 614 of the book" in page
    assert "In the book as leaf" in page
    assert ">erased<" in client.get("/predictions").text
    told = client.get(f"/api/v1/predictions/{victim}", headers=cast["owner"].bearer).json
    assert (told["inputs"], told["output"], "inputs" in told["commitments"]) == (None, None, True)


@pytest.fixture
def old_month(house, cast, monkeypatch):
    """Five records of three years ago."""
    past = datetime.now(UTC) - timedelta(days=3 * 365)
    monkeypatch.setattr(identifiers, "time", Past(past))
    monkeypatch.setattr(identifiers, "_last", 0)
    with house.context() as app:
        ids = ask(app, cast["owner"], rows=5)
    monkeypatch.undo()
    return past, ids


def test_a_month_is_dropped_with_its_leaf_and_old_proofs_hold(house, old_month, capsys, cast):
    past, ids = old_month
    with house.context():
        reporting.report_outcome(cast["owner"].caller, ids[0], "yes")
        review_prediction(cast["owner"].caller, ids[0], Draft(verdict="agree"))
        (month,) = retention.months_to_drop(24, datetime.now(UTC))
        assert (month.start.year, month.start.month) == (past.year, past.month)
        with pytest.raises(NotSealedError, match="7 records are not sealed"):
            retention.drop_month(month, keep=24, actor_id=None)
        db.session.rollback()
    house.seal()
    with house.context():
        old = proofs.proof_of(ids[0]).to_text()
        hold = erasure.place_hold(prediction_id=ids[1], reason="case", actor_id=None)
        db.session.commit()
        with pytest.raises(HeldError, match="1 legal holds"):
            retention.drop_month(month, keep=24, actor_id=None)
        db.session.rollback()
        erasure.lift_hold(hold.id, actor_id=None)
        notice = retention.drop_month(month, keep=24, actor_id=None)
        assert (notice.what["count"], notice.what["policy"]) == (5, "P24M")
        db.session.commit()
        assert not retention.months_to_drop(24, datetime.now(UTC))
        assert db.session.get(Prediction, ids[0]) is None
        for belonging in (Outcome, Review):
            query = select(belonging).where(belonging.prediction_id == ids[0])
            assert not db.session.scalar(query)
    house.seal()
    assert house.whole_book(capsys)[0] == 0
    (house.folder / "old").write_text(old)
    assert house.verify(capsys, "proof", house.folder / "old", "--key", house.key)[0] == 0
    with house.context():
        assert proofs.proof_of(ids[0]), "the leaf is still there"
    for who, words in (("auditor", "dropped with its month"), ("owner", "no such prediction")):
        client = house.app.test_client()
        sign_in(client, cast[who])
        answer = client.get(f"/predictions/{ids[0]}")
        assert (answer.status_code, words in answer.text) == (404, True)


def test_a_month_is_not_dropped_while_somebody_reads_the_book_at_length(
    house, old_month, monkeypatch
):
    house.seal()
    monkeypatch.setattr(retention, "PATIENCE_MS", 50)
    reader = psycopg2.connect(house.url)
    with contextlib.closing(reader), reader.cursor() as cursor, house.context():
        cursor.execute("SELECT count(*) FROM predictions")
        (month,) = retention.months_to_drop(24, datetime.now(UTC))
        with pytest.raises(ConflictError, match="Try again later"):
            retention.drop_month(month, keep=24, actor_id=None)
        db.session.rollback()


def test_a_month_that_is_dropped_by_hand_is_a_finding(house, old_month, capsys):
    """Also when a notice is forged that counts other records."""
    _, ids = old_month
    house.seal()
    with house.context():
        (month,) = retention.months_to_drop(24, datetime.now(UTC))
    house.tamper(f"DELETE FROM {month.partition} WHERE id = :id", id=ids[0])
    with house.context():
        retention.drop_month(month, keep=24, actor_id=None)
        db.session.commit()
    house.seal()
    code, said = house.whole_book(capsys)
    assert (code, "drops 4 records, but 5 are missing" in said) == (1, True)


@pytest.mark.parametrize(
    ("first", "until"),
    [
        ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("018cc251-f400-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ],
)
def test_a_notice_of_one_month_drops_no_other(house, first, until):
    with house.context():
        db.session.execute(text("SELECT ensure_predictions_partition('2024-01-15')"))
        record_notice(
            NoticeKind.RETENTION, actor_id=None, partition="predictions_2024_01", count=0, policy="P24M",
            **{"from": first, "until": until},
        )  # fmt: skip
        with pytest.raises(DBAPIError, match="no notice says so"):
            db.session.execute(text("SELECT drop_predictions_partition('predictions_2024_01')"))
        db.session.rollback()
        assert db.session.scalar(select(func.count()).select_from(Outcome)) == 1


@pytest.mark.parametrize("kind", ["outcome", "review"])
def test_what_belongs_to_a_prediction_goes_with_it_and_never_alone(house, capsys, kind):
    """Neither by the functions, nor, past all triggers, without a finding."""
    part = {"outcome": "value", "review": "note"}[kind]
    with house.context():
        identifier = db.session.scalar(text(f"SELECT id FROM {kind}s"))
        record_notice(NoticeKind.ERASURE, actor_id=None, record_id=str(identifier), parts=[part])
        db.session.commit()
        with pytest.raises(DBAPIError, match="with its prediction, and not alone"):
            db.session.execute(text(f"SELECT erase_{kind}(:id)"), {"id": identifier})
        db.session.rollback()
    house.tamper(f"UPDATE {kind}s SET {part} = NULL, {part}_salt = NULL")
    house.seal()
    code, said = house.whole_book(capsys)
    assert (code, f"(record {identifier}): {part} is gone, and no leaf says why" in said) == (
        1,
        True,
    )
    house.tamper(f"DELETE FROM {kind}s")
    with house.context():
        record_notice(
            NoticeKind.RETENTION, actor_id=None, partition="predictions_2024_01", count=0, policy="P24M",
            **{"from": "00000000-0000-0000-0000-000000000000", "until": "ffffffff-ffff-ffff-ffff-ffffffffffff"},
        )  # fmt: skip
        db.session.commit()
    house.seal()
    code, said = house.whole_book(capsys)
    assert (code, f"(record {identifier}): the record is gone" in said) == (1, True)


def test_what_belongs_to_no_prediction_is_a_finding(house, capsys, cast):
    house.tamper("INSERT INTO outcomes SELECT gen_random_uuid(), at, gen_random_uuid(), actor_id, token_id, value, value_salt,"
                 " value_commitment FROM outcomes")  # fmt: skip
    house.tamper("INSERT INTO ledger_pending (kind, id) SELECT 'outcome', o.id FROM outcomes o"
                 " LEFT JOIN ledger_entries e ON e.record_id = o.id WHERE e.index IS NULL")  # fmt: skip
    house.seal()
    code, said = house.whole_book(capsys)
    assert (code, "which has no leaf" in said) == (1, True)


def test_outcomes_and_reviews_are_erased_with_their_prediction(house, capsys):
    notice = erase(house, house.ids[0])
    house.seal()
    assert house.whole_book(capsys)[0] == 0
    with house.context():
        assert db.session.scalar(select(Outcome)).value is None
        assert db.session.scalar(select(Review)).note is None
        assert db.session.get(Notice, notice).what["record_id"] == house.ids[0]


def test_the_function_drops_nothing_without_a_notice(house, old_month):
    with house.context():
        (month,) = retention.months_to_drop(24, datetime.now(UTC))
        with pytest.raises(DBAPIError, match="no notice says so"):
            db.session.execute(
                text("SELECT drop_predictions_partition(:name)"), {"name": month.partition}
            )
        db.session.rollback()
        with pytest.raises(DBAPIError, match="no notice says so"):
            db.session.execute(text("SELECT drop_predictions_partition('users; drop table users')"))
        db.session.rollback()


def test_the_commands(house, run, cast, old_month):
    with house.context() as app:
        (first, second) = ask(app, cast["owner"], rows=2, subjects=["customer-7", "customer-7"])
    code, hold, _ = run("subjects", "hold", "customer-7", "--reason", "case 12")
    assert code == 0
    assert run("holds", "list")[1].startswith(hold)
    code, out, err = run("subjects", "erase", "customer-7", "--basis", BASIS)
    assert (code, out) == (1, "")
    assert "legal hold" in err
    assert run("holds", "lift", hold)[0] == 0
    assert run("predictions", "erase", str(first), "--basis", BASIS)[0] == 0
    assert run("subjects", "erase", "customer-7", "--basis", BASIS)[:2] == (0, "1")
    assert run("predictions", "hold", str(second), "--reason", "case 13")[0] == 0
    assert run("ledger", "seal")[0] == 0
    month = f"{old_month[0]:%Y-%m}"
    assert run("retention", "drop", "--keep", "24", "--dry-run")[:2] == (0, month)
    assert run("retention", "drop", "--keep", "24")[:2] == (0, month)
    assert run("retention", "drop", "--keep", "24")[:2] == (0, "")
    with house.context():
        kinds = db.session.scalars(select(Notice.kind).order_by(Notice.id)).all()
        assert kinds == ["erasure", "erasure", "retention"]
        assert db.session.scalar(select(LegalHold.lifted_at).order_by(LegalHold.id).limit(1))
