"""The administrator's page: erasure and legal holds."""

import pytest

from app.extensions import db
from app.models import LegalHold, Notice, Prediction
from tests.support.asking import ask
from tests.support.cast import csrf_token
from tests.web.conftest import parsed

ERASE = {"erase-basis": "GDPR Art. 17", "erase-sure": "y", "erase-of": "subject"}
OF_RECORD = {**ERASE, "erase-of": "record"}
STRANGE = "01a1fb94-3447-7115-a759-b8b05717c722"


@pytest.fixture
def records(app, cast):
    with app.app_context():
        return ask(app, cast["owner"], rows=2, subjects=["customer-7", "customer-7"])


@pytest.fixture
def admin(browser_of):
    return browser_of("admin")


def post(client, path, **fields):
    return client.post(path, data={k.replace("_", "-"): v for k, v in fields.items()} | {"csrf_token": csrf_token(),
                       "erase-csrf_token": csrf_token(), "hold-csrf_token": csrf_token()}, follow_redirects=True)  # fmt: skip


@pytest.mark.parametrize(
    ("who", "status"), [("owner", 403), ("colleague", 403), ("stranger", 403), ("auditor", 403), ("admin", 200)]
)  # fmt: skip
def test_who_may(browser_of, who, status, records):
    client = browser_of(who)
    assert client.get("/admin").status_code == status
    assert ('href="/admin"' in client.get("/").text) == (status == 200)
    if status == 403:
        for path in ("/admin/erasures", "/admin/holds", f"/admin/holds/{records[0]}/lift"):
            assert post(client, path, erase_what=str(records[0]), **ERASE).status_code == 403


def test_a_subject_is_erased_and_the_page_tells(app, admin, records):
    page = parsed(post(admin, "/admin/erasures", erase_what="customer-7", **ERASE))
    assert "2 records are erased." in page.text
    assert "GDPR Art. 17" in page.text
    assert "admin@example.com" in page.text
    with app.app_context():
        assert {db.session.get(Prediction, one).inputs for one in records} == {None}
        assert db.session.scalar(db.select(db.func.count()).select_from(Notice)) == 2
    app.extensions["sealer"].seal_all()
    assert "soon" not in parsed(admin.get("/admin")).text


def test_a_record_is_erased_by_its_identifier(app, admin, records):
    assert (
        "1 record is erased."
        in post(admin, "/admin/erasures", erase_what=str(records[0]), **OF_RECORD).text
    )
    with app.app_context():
        assert db.session.get(Prediction, records[1]).inputs


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"erase_what": "", **ERASE}, "Give a reference or an identifier."),
        ({"erase_what": "nobody", **ERASE}, "There are no records of that subject."),
        ({"erase_what": STRANGE, **OF_RECORD}, "There is no prediction"),
        ({"erase_what": STRANGE, **ERASE}, "There are no records of that subject."),
        ({"erase_what": "customer-7", **OF_RECORD}, "This is no identifier of a record."),
        ({"erase_what": "customer-7", "erase-of": "subject", "erase-sure": "y"}, "Say why."),
        ({"erase_what": "customer-7", "erase-of": "subject", "erase-basis": "x"}, "Tick this to erase it"),
        ({"erase_what": "customer\x007", **ERASE}, "Write printable characters."),
        ({"erase_what": "customer-7", **ERASE, "erase-basis": "x\x00"}, "Write printable characters."),
        ({"erase_what": "customer-7", "erase-of": "subject", "erase-basis": "x" * 501, "erase-sure": "y"}, "longer than 500"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_the_field_and_nothing_goes(app, admin, records, fields, says):
    answer = post(admin, "/admin/erasures", **fields)
    assert answer.status_code == 422
    page = parsed(answer)
    assert says in page.text
    assert page.all("input", name="erase-what")[0]["value"] == fields["erase_what"]
    with app.app_context():
        assert db.session.get(Prediction, records[0]).inputs


def test_a_hold_forbids_erasure_until_it_is_lifted(app, admin, records):
    assert (
        "The hold is in force."
        in post(
            admin, "/admin/holds", hold_of="subject", hold_what="customer-7", hold_reason="case 12"
        ).text
    )
    answer = post(admin, "/admin/erasures", erase_what=str(records[0]), **OF_RECORD)
    assert (answer.status_code, "nothing was erased" in answer.text) == (422, True)
    with app.app_context():
        hold = db.session.scalar(db.select(LegalHold)).id
    assert "The hold is lifted." in post(admin, f"/admin/holds/{hold}/lift").text
    assert post(admin, f"/admin/holds/{hold}/lift").status_code == 404
    assert (
        "1 record is erased."
        in post(admin, "/admin/erasures", erase_what=str(records[0]), **OF_RECORD).text
    )
    answer = post(admin, "/admin/holds", hold_of="subject", hold_what="customer-7", hold_reason="")
    assert (answer.status_code, "Say why." in answer.text) == (422, True)
    answer = post(admin, "/admin/holds", hold_of="record", hold_what=STRANGE, hold_reason="x")
    assert (answer.status_code, "There is no prediction" in answer.text) == (422, True)
