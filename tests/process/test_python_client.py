"""The Python client against a running service."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pandas as pd
import pytest

from app.sealer.signing import KeyStore, SigningKey
from config import PROJECT
from tests.support.cast import GOOD_ROW
from tests.support.live import live_server

sys.path.insert(0, str(PROJECT / "clients/python"))

from daybook_client import (
    Client,
    DaybookError,
    NotSealedError,
    Proof,
    UnreachableError,
    WrongProofError,
)

ROWS = [GOOD_ROW, GOOD_ROW | {"age": 61.5}]


@pytest.fixture
def live(fresh_url, cast, tmp_path):
    with live_server(fresh_url, tmp_path, DAYBOOK_SEAL_SECONDS="0.5") as server:
        yield server


@pytest.fixture
def daybook(live, cast):
    with Client(live.url, cast["owner"].token, attempts=3) as client:
        yield client


def test_what_a_client_does_all_day(daybook, tmp_path):
    first, second = daybook.predict("churn", ROWS, references=["a", "b"], version=1)
    assert first.prediction in ("yes", "no")
    assert daybook.prediction(first.id)["leaf_hash"] == first.leaf_hash
    assert [one["id"] for one in daybook.predictions("reference:b")] == [second.id]
    assert daybook.report_outcome(first.id, "yes")
    assert not daybook.report_outcome(first.id, "yes")
    fates = daybook.report_outcomes(
        [{"reference": "b", "outcome": "no"}, {"id": "x", "outcome": "no"}]
    )
    assert [one["fate"] for one in fates] == ["recorded", "refused"]
    assert daybook.review(first.id, "unsure", note="Ask.")["verdict"] == "unsure"
    daybook.export(tmp_path / "all.zip", "model:churn", format="csv", reason="test")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert json.loads(archive.read("manifest.json"))["count"] == 2
    assert "tlog-proof" in daybook.proof(first.id, wait=30).text


def test_a_proof_is_checked_without_the_service(daybook, tmp_path):
    answer, other = daybook.predict("churn", ROWS)
    proof, record = daybook.proof(answer.id, wait=30), daybook.sealed_record(answer.id)
    public_key = KeyStore(tmp_path / "live/ledger/keys").newest().public.to_text()
    index = proof.check(public_key, record=record, receipt=answer.leaf_hash)
    assert daybook.proof(other.id, wait=30).check(public_key) == index + 1
    with pytest.raises(WrongProofError, match="receipt"):
        proof.check(public_key, receipt=other.leaf_hash)
    parts = record["parts"] | {"inputs": record["parts"]["inputs"].replace("44", "45")}
    with pytest.raises(WrongProofError, match="inputs"):
        proof.check(public_key, record=record | {"parts": parts})
    with pytest.raises(WrongProofError):
        proof.check(public_key, record=daybook.sealed_record(other.id))
    with pytest.raises(WrongProofError):
        Proof(answer.id, proof.text.replace("index ", "index 1")).check(public_key)
    with pytest.raises(WrongProofError, match=f"of {answer.id}, another record"):
        Proof(other.id, proof.text).check(public_key)
    with pytest.raises(TypeError, match="a text of its own"):
        proof.check([public_key])
    with pytest.raises(WrongProofError):
        proof.check(SigningKey.generate(public_key.partition("+")[0]).public.to_text())
    with pytest.raises(WrongProofError):
        proof.check("no key")


def test_frames_go_in_and_come_out(daybook):
    frame = pd.DataFrame(ROWS)
    answers = daybook.predict("churn", frame)
    found = daybook.predictions_frame("model:churn")
    assert found["id"].tolist() == [one.id for one in answers][::-1]
    assert found["input.age"].tolist() == [61.5, 44.0]
    assert set(found["output.prediction"]) <= {"yes", "no"}


def test_pages_are_read_to_the_end_or_the_limit(daybook):
    daybook.predict("churn", [GOOD_ROW] * 1_200)
    assert len({one["id"] for one in daybook.predictions()}) == 1_200
    assert len(list(daybook.predictions(limit=501))) == 501
    assert list(daybook.predictions(limit=0)) == []


def test_what_is_refused_says_where(daybook, tmp_path):
    with pytest.raises(DaybookError) as refused:
        daybook.predict("churn", [GOOD_ROW | {"age": "old"}])
    assert refused.value.status == 422
    assert refused.value.problem["errors"][0]["pointer"] == "/inputs/0/age"
    with pytest.raises(DaybookError, match="no such prediction"):
        daybook.prediction("01900000-0000-7000-8000-000000000000")
    with pytest.raises(DaybookError, match="aeg"):
        daybook.export(tmp_path / "none.zip", "aeg:>5")
    assert not list(tmp_path.glob("none*"))


def test_an_answer_that_is_lost_is_recorded_once(live, cast, monkeypatch):
    """The connection breaks after the request was sent: it is sent again, under the same key."""
    with Client(live.url, cast["owner"].token) as client:
        send, lost = client._http.request, []

        def losing(*given, **more):
            answer = send(*given, **more)
            if len(lost) < 2:
                lost.append(answer)
                raise httpx.ReadError("cut")
            return answer

        monkeypatch.setattr(client._http, "request", losing)
        (answer,) = client.predict("churn", [GOOD_ROW])
        monkeypatch.undo()
        assert [one["id"] for one in client.predictions()] == [answer.id]


def test_a_service_that_is_not_there_is_unreachable(cast, tmp_path):
    with Client("http://127.0.0.1:9", cast["owner"].token, attempts=2) as client:
        with pytest.raises(UnreachableError, match="after 2 attempts"):
            client.predict("churn", [GOOD_ROW])
        with pytest.raises(UnreachableError):
            client.export(tmp_path / "none.zip")


def test_a_record_that_waits_has_no_proof_yet(fresh_url, cast, tmp_path):
    with (
        live_server(fresh_url, tmp_path, DAYBOOK_SEAL_SECONDS="60") as live,
        Client(live.url, cast["owner"].token) as client,
        pytest.raises(NotSealedError),
    ):
        client.proof(client.predict("churn", [GOOD_ROW])[0].id)


def test_the_package_brings_the_verifier_along(tmp_path):
    """Built as pip builds it: a source distribution, and the wheel from that."""
    build = [Path(sys.executable).with_name("uv"), "build", "--quiet", "--no-build-isolation"]
    subprocess.run([*build, PROJECT / "clients/python", "--out-dir", tmp_path], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    program = (
        "from daybook_client.checking import verify_proof; print(verify_proof.__code__.co_filename)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(wheel)}, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == f"{wheel}/daybook_client/_verifier/proofs.py"
