"""The audit page: who sees it, what it says, and the verification that it starts."""

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Event, EventKind, Verification
from tests.support.asking import ask
from tests.support.cast import csrf_token
from tests.web.conftest import parsed


@pytest.fixture
def sealed(app, cast):
    with app.app_context():
        ask(app, cast["owner"], rows=3)
        app.extensions["sealer"].seal_all()


@pytest.mark.parametrize(
    ("who", "status"), [("owner", 403), ("colleague", 403), ("stranger", 403), ("auditor", 200), ("admin", 200)]
)  # fmt: skip
def test_who_sees_it(browser_of, who, status):
    client = browser_of(who)
    assert client.get("/audit").status_code == status
    assert ('href="/audit"' in client.get("/").text) == (status == 200)
    assert client.post("/audit/verifications", data={"csrf_token": csrf_token()}).status_code in (
        302,
        403,
    )


def test_before_anything_is_sealed_it_says_what_to_do(browser_of):
    text = parsed(browser_of("auditor").get("/audit")).text
    assert "Waiting to be sealed" in text
    assert "Checkpoints are kept nowhere but here" in text
    assert "has not been verified yet" in text


def test_it_tells_where_the_book_stands(app, browser_of, sealed):
    page = parsed(browser_of("auditor").get("/audit"))
    store = app.extensions["ledger_keys"]
    assert store.newest().public.to_text() in page.text
    assert "What it does not prove" in page.text


def test_a_verification_is_asked_for_once_runs_and_is_told(app, browser_of, sealed, cast):
    client = browser_of("auditor")
    for _ in range(2):
        assert (
            client.post("/audit/verifications", data={"csrf_token": csrf_token()}).status_code
            == 302
        )
    with app.app_context():
        asked = db.session.scalars(select(Verification)).all()
        assert len(asked) == 1
        event = db.session.scalar(
            select(Event).where(Event.kind == EventKind.VERIFICATION_REQUESTED)
        )
        assert (event.actor_id, event.subject_id) == (cast["auditor"].id, asked[0].id)
    page = parsed(client.get("/audit"))
    assert "data-again" in page.all("section", id="verification")[0], "it is fetched again"
    assert "Look again" in page.text, "without a script, too"
    assert page.all("progress")
    assert not [a for a in page.all("form") if a["action"] == "/audit/verifications"]
