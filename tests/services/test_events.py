"""Events are committed with the fact that they tell of."""

from sqlalchemy import text

from app.extensions import db
from app.ledger.commitment import commit
from app.models import Event, EventKind
from app.services.events import record_event


def test_details_are_canonical_and_committed_to(context, cast):
    record_event(EventKind.TOKEN_CREATED, actor_id=cast["owner"].id, b=1, a=[1.0, "x"])
    stored, salt, commitment = db.session.execute(
        text("SELECT details::text, details_salt, details_commitment FROM events ORDER BY id DESC")
    ).first()
    assert stored == '{"a":[1,"x"],"b":1}'
    assert commit("details", stored.encode(), bytes(salt)) == bytes(commitment)


def test_an_event_is_undone_with_its_fact(context, cast):
    from sqlalchemy import func, select

    before = db.session.scalar(select(func.count()).select_from(Event))
    record_event(EventKind.SIGNED_IN, actor_id=cast["owner"].id)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Event)) == before


def test_kinds_follow_their_grammar():
    for kind in EventKind:
        source, subject, action = kind.split(":")
        assert source in ("user", "model", "ledger")
        assert subject.isalpha()
        assert action.isalpha()
