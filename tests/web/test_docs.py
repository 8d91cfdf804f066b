"""The page of the API."""

from app import create_app
from tests.support.cast import sign_in
from tests.support.postgres import dispose, settings_for


def test_it_is_for_those_who_are_signed_in(client, browser_of):
    for path in ("/docs", "/docs/openapi.json"):
        assert client.get(path).status_code == 302
        assert browser_of("stranger").get(path).status_code == 200


def test_the_page_has_the_same_document_as_the_persons_programs(client, browser_of, cast):
    for who in ("owner", "stranger", "auditor"):
        shown = browser_of(who).get("/docs/openapi.json").get_json()
        assert shown == client.get("/openapi.json", headers=cast[who].bearer).get_json()


def test_each_person_has_a_limit_of_their_own(fresh_url, cast, tmp_path):
    app = create_app(settings_for(fresh_url, tmp_path, DAYBOOK_API_LIMIT="2 per minute"))
    owner, admin = app.test_client(), app.test_client()
    sign_in(owner, cast["owner"])
    sign_in(admin, cast["admin"])
    assert [owner.get("/docs").status_code for _ in range(3)] == [200, 200, 429]
    assert admin.get("/docs").status_code == 200
    dispose(app)
