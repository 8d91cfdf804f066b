"""Sessions: each application context has one of its own, and leaves none behind."""

from app.extensions import db


def test_contexts_do_not_share_a_session(fresh_app):
    before = len(db.session.registry.registry)
    with fresh_app.app_context():
        outer = db.session()
        with fresh_app.app_context():
            assert db.session() is not outer
        assert db.session() is outer
    assert len(db.session.registry.registry) == before
