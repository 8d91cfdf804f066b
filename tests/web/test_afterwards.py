"""What a worker does when an answer has left: the context of its request ends, and no other one sees it."""

import pytest
from flask import g
from flask.globals import _cv_app, _cv_request
from sqlalchemy import text
from werkzeug.test import EnvironBuilder

from app import access, metrics
from app.afterwards import AnswersFirst
from app.extensions import db


@pytest.fixture
def ask(app):
    """Returns a request to the application as a worker answers it: the status, and the body to be closed."""
    answer, bodies = AnswersFirst(app.wsgi_app, threads=2), []

    def make(path: str, **environ):
        told = []
        body = answer(
            EnvironBuilder(path).get_environ() | environ, lambda status, _: told.append(status)
        )
        bodies.append(body)
        return told[0], body

    yield make
    for body in bodies:
        body.close()


@pytest.fixture
def view_is(app, monkeypatch):
    """Returns a way to put a view of the test's in the place of /livez."""
    return lambda view: monkeypatch.setitem(app.view_functions, "health.livez", access.public(view))


def test_the_context_and_the_session_of_a_request_end_when_its_answer_has_left(ask, view_is):
    view_is(lambda: str(db.session.scalar(text("SELECT 7"))))
    status, body = ask("/livez")
    assert (status, list(body)) == ("200 OK", [b"7"])
    assert _cv_app.get(None) is not None
    assert db.session.registry.has()
    scope = db.session.registry
    body.close()
    assert _cv_app.get(None) is None
    assert _cv_request.get(None) is None
    assert not scope.registry


def test_a_request_is_counted_when_its_answer_has_left(ask):
    count = metrics.requests("GET", "health.livez", 200)
    before = count._value.get()
    _, body = ask("/livez")
    assert count._value.get() == before
    body.close()
    assert count._value.get() == before + 1


def test_requests_of_a_thread_have_contexts_of_their_own_even_if_a_server_closes_nothing(
    ask, view_is
):
    seen = []

    def view():
        seen.append("left" in g)
        g.left = True
        return "well"

    view_is(view)
    ask("/livez")
    _, body = ask("/livez")
    body.close()
    assert seen == [False, False]
    assert _cv_app.get(None) is None


def test_a_view_that_breaks_is_answered_and_its_context_ends(ask, view_is):
    view_is(lambda: {}["nothing"])
    status, body = ask("/livez")
    assert status == "500 INTERNAL SERVER ERROR"
    body.close()
    assert _cv_app.get(None) is None
