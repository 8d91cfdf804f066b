"""Exports: whole, of one moment, of what the caller sees, and told of in the book."""

import contextlib
import csv
import hashlib
import http.client
import io
import json
import secrets
import threading
import tracemalloc
import urllib.request
import zipfile
from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import select

from app.access import OPERATOR
from app.extensions import db
from app.models import Event, EventKind, Prediction
from app.services import erasure, exports
from app.services.errors import InvalidQueryError, OverloadedError
from tests.support.asking import ask
from tests.support.cast import csrf_token, sign_in
from tests.support.history import record_some
from tests.support.live import live_server

URL = "/api/v1/exports"
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
"""


@pytest.fixture
def book(fresh_app, cast):
    with fresh_app.app_context():
        return [record.id for record in record_some(fresh_app.test_client(), cast)]


def opened(answer):
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    manifest = json.loads(archive.read("manifest.json"))
    return archive.read(manifest["file"]), manifest


def export(app, member, **query):
    return app.test_client().get(URL, query_string=query, headers=member.bearer)


def events(app, kind):
    with app.app_context():
        return list(db.session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))


def test_an_export_is_what_its_manifest_says(fresh_app, cast, book):
    fresh_app.extensions["sealer"].seal_all()
    content, manifest = opened(export(fresh_app, cast["owner"], q="model:churn status:accepted"))
    documents = [json.loads(line) for line in content.splitlines()]
    assert manifest["count"] == len(documents) == 11
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert (manifest["last_id"], manifest["first_id"]) == (documents[0]["id"], documents[-1]["id"])
    assert manifest["query"] == "model:churn status:accepted"
    assert manifest["by"] == "owner@example.com"
    assert manifest["checkpoint"].splitlines()[1] != "0"
    (begun,), (ended,) = (
        events(fresh_app, EventKind.EXPORT_BEGUN),
        events(fresh_app, EventKind.EXPORT_ENDED),
    )
    assert begun.details == {"query": "model:churn status:accepted", "format": "ndjson"}
    assert ended.details == {"count": 11, "sha256": manifest["sha256"]}
    assert begun.subject_id == ended.subject_id
    assert str(begun.subject_id) == manifest["export"]
    assert begun.actor_id == cast["owner"].id


def test_a_table_has_the_fields_of_the_model_and_all_that_was_stored(fresh_app, cast, book):
    content, manifest = opened(export(fresh_app, cast["admin"], q="model:churn", format="csv"))
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert manifest["count"] == len(rows) == 14
    with fresh_app.app_context():
        stored = {str(one.id): one for one in db.session.scalars(select(Prediction))}
        for row in rows:
            record = stored[row["id"]]
            assert row["status"] == record.status
            assert row["caller"].endswith("@example.com")
            if record.inputs is None:
                assert (row["age"], row["inputs"], row["prediction"]) == ("", "", "")
            elif record.status == "accepted":
                assert {
                    "age": float(row["age"]),
                    "visits": int(row["visits"]),
                    "country": row["country"],
                } == record.inputs
                assert float(row["probability.yes"]) == record.output["probabilities"]["yes"]
                assert row["inputs"] == ""
            else:
                assert json.loads(row["inputs"]) == record.inputs
                assert json.loads(row["output"]) == record.output


@pytest.mark.parametrize("who", ["owner", "colleague", "stranger", "auditor", "admin"])
def test_nobody_exports_what_they_do_not_see(fresh_app, cast, book, who):
    _, manifest = opened(export(fresh_app, cast[who]))
    seen = (
        fresh_app.test_client()
        .get("/api/v1/predictions?limit=500", headers=cast[who].bearer)
        .json["data"]
    )
    assert manifest["count"] == len(seen) == {"stranger": 0}.get(who, manifest["count"])


def test_an_export_is_of_one_moment(fresh_app, cast, book, monkeypatch):
    monkeypatch.setattr(exports, "_AT_ONCE", 2)
    with fresh_app.app_context():
        selection = exports.select_records(
            OPERATOR, "status:accepted", "ndjson", None, without_reason=None
        )
        running = exports.Export(selection, fresh_app.app_context)
        content = running.content()
        read = [next(content), next(content)]
        new = ask(fresh_app, cast["owner"], rows=3)
        erasure.erase_prediction(book[0], basis="x", actor_id=None)
        db.session.commit()
        read += content
        found = [json.loads(line) for part in read for line in part.splitlines()]
        assert len(found) == 11
        assert not {str(one) for one in new} & {document["id"] for document in found}
        assert json.loads(running.manifest())["count"] == 11


def test_many_records_want_a_reason(fresh_app, cast, book):
    with fresh_app.app_context():
        for reason in (None, " "):
            with pytest.raises(InvalidQueryError, match="Say why you need more than 14 records"):
                exports.select_records(OPERATOR, "", "csv", reason, without_reason=14)
        assert (
            exports.select_records(OPERATOR, "", "csv", "audit 7", without_reason=14).reason
            == "audit 7"
        )
        assert exports.select_records(OPERATOR, "", "csv", None, without_reason=15).reason is None


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"q": "agee:1"}, "/q"),
        ({"format": "xlsx"}, "/format"),
        ({"limit": "1"}, "/limit"),
        ({"reason": "x" * 1001}, "/reason"),
        ({"reason": "a\0b"}, "/reason"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_its_place(fresh_app, cast, book, query, pointer):
    answer = export(fresh_app, cast["owner"], **query)
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == pointer
    assert events(fresh_app, EventKind.EXPORT_BEGUN) == []


def test_an_export_that_breaks_off_has_no_manifest_and_no_end(fresh_app, cast, book, monkeypatch):
    monkeypatch.setattr(exports, "_AT_ONCE", 2)
    with fresh_app.app_context():
        selection = exports.select_records(OPERATOR, "", "csv", None, without_reason=None)
        running = exports.Export(selection, fresh_app.app_context)
        content = running.content()
        next(content)
        content.close()
        with pytest.raises(RuntimeError, match="has not ended"):
            running.manifest()
    assert len(events(fresh_app, EventKind.EXPORT_BEGUN)) == 1
    assert events(fresh_app, EventKind.EXPORT_ENDED) == []


def test_only_two_are_at_it_at_once_and_the_third_is_told_before_anything_is_sent(
    fresh_app, cast, book, monkeypatch
):
    monkeypatch.setattr(exports, "_at_once", threading.BoundedSemaphore(1))
    with fresh_app.app_context():
        selection = exports.select_records(OPERATOR, "", "csv", None, without_reason=None)
        first = exports.Export(selection, fresh_app.app_context).content()
        next(first)
        with pytest.raises(OverloadedError):
            next(exports.Export(selection, fresh_app.app_context).content())
        answer = export(fresh_app, cast["owner"])
        assert (answer.status_code, answer.headers["Retry-After"].isdigit()) == (503, True)
        first.close()
    assert opened(export(fresh_app, cast["owner"]))


def test_more_records_need_no_more_memory(fresh_app, cast):
    peaks = []
    with fresh_app.app_context():
        for rows in (3_000, 9_000):
            ask(fresh_app, cast["owner"], rows=rows)
            selection = exports.select_records(OPERATOR, "", "csv", None, without_reason=None)
            export = exports.Export(selection, fresh_app.app_context)
            tracemalloc.start()
            for _ in export.archive():
                pass
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


def test_the_page_asks_for_a_reason_and_keeps_what_was_written(fresh_app, cast, book):
    fresh_app.extensions["settings"] = fresh_app.extensions["settings"].model_copy(
        update={"export_reason_rows": 3}
    )
    client = fresh_app.test_client()
    sign_in(client, cast["owner"])
    assert 'value="status:accepted"' in client.get("/predictions/export?q=status:accepted").text
    sent = {"csrf_token": csrf_token(), "q": "status:accepted", "format": "ndjson"}
    refused = client.post("/predictions/export", data=sent)
    assert refused.status_code == 400
    assert "Say why you need more than 3 records." in refused.text
    assert 'value="ndjson" checked' in refused.text
    _, manifest = opened(client.post("/predictions/export", data=sent | {"reason": "audit 7"}))
    assert (manifest["count"], manifest["reason"]) == (11, "audit 7")


def test_an_export_that_loses_its_database_cannot_look_whole(fresh_app, fresh_url, cast, tmp_path):
    with fresh_app.app_context():
        for _ in range(2):
            ask(fresh_app, cast["owner"], rows=9_000)
    headers = {"Authorization": cast["owner"].bearer["Authorization"], "Connection": "close"}
    with live_server(fresh_url, tmp_path) as live, closing(psycopg2.connect(fresh_url)) as other:
        request = urllib.request.Request(
            f"http://127.0.0.1:{live.port}{URL}?reason=x", headers=headers
        )
        with urllib.request.urlopen(request) as answer:
            content = answer.read(1000)
            with other.cursor() as cursor:
                cursor.execute(CUT)
                assert cursor.fetchall() == [(True,)]
            with contextlib.suppress(http.client.HTTPException, OSError):
                while part := answer.read(65536):
                    content += part
    assert not zipfile.is_zipfile(io.BytesIO(content))
    assert events(fresh_app, EventKind.EXPORT_ENDED) == []


def test_large_refused_requests_leave_in_small_pages(fresh_app, cast, monkeypatch):
    monkeypatch.setattr(exports, "_MOST_BYTES", 50_000)
    for number in range(7):
        body = {"inputs": [{"age": secrets.token_hex(10_000), "n": number}]}
        answer = fresh_app.test_client().post(
            "/api/v1/models/churn/predictions", json=body, headers=cast["owner"].bearer
        )
        assert answer.status_code == 422
    with fresh_app.app_context():
        selection = exports.select_records(OPERATOR, "", "ndjson", None, without_reason=None)
        parts = list(exports.Export(selection, fresh_app.app_context).content())
    assert [part.count(b"\n") for part in parts] == [0, 2, 2, 2, 1, 0]


@pytest.mark.parametrize(
    "query", ["subject:customer-7", "-(age:1 OR reference:A-1)", '"some text"']
)
def test_what_may_name_a_person_is_in_no_event(fresh_app, cast, book, query):
    export(fresh_app, cast["owner"], q=query)
    (begun,) = events(fresh_app, EventKind.EXPORT_BEGUN)
    assert begun.details == {"format": "ndjson", "names_a_person": True}
