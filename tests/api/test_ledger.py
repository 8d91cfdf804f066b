"""Proofs, checkpoints and tiles by the API, as an auditor's program uses them."""

import json

import pytest

from app.ledger import tiles
from tests.support.asking import ask
from tests.support.hostile import tamper
from verifier.merkle import Tree, hash_leaf, verify_consistency
from verifier.notes import Key, open_checkpoint, parse_hash
from verifier.proofs import verify_proof, verify_record


@pytest.fixture
def keys(app):
    store = app.extensions["ledger_keys"]
    return frozenset(Key.parse(key.public.to_text()) for key in [store.newest()])


@pytest.fixture
def sealed(app, cast, keys):
    """Three records in the book, and what is known of them."""
    with app.app_context():
        ids = ask(app, cast["owner"], rows=3)
        app.extensions["sealer"].seal_all()
    return ids


def get(client, path, member):
    return client.get(path, headers=member.bearer)


def test_a_record_that_waits_is_202_and_then_it_is_proven(app, client, cast, keys):
    with app.app_context():
        (identifier,) = ask(app, cast["owner"])
    answer = get(client, f"/api/v1/predictions/{identifier}/proof", cast["owner"])
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "5")
    assert answer.json["status"] == "pending"
    app.extensions["sealer"].seal_all()
    answer = get(client, f"/api/v1/predictions/{identifier}/proof", cast["owner"])
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert f"{identifier}.tlog-proof" in answer.headers["Content-Disposition"]
    assert verify_proof(answer.text, keys).envelope["id"] == str(identifier)


def test_the_receipt_of_an_answer_is_the_leaf_that_is_proven(app, client, cast, keys):
    from tests.support.cast import GOOD_ROW

    url = "/api/v1/models/churn/predictions"
    (told,) = client.post(url, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer).json[
        "predictions"
    ]
    app.extensions["sealer"].seal_all()
    proof = get(client, f"/api/v1/predictions/{told['id']}/proof", cast["owner"]).text
    assert verify_proof(proof, keys).leaf.hex() == told["leaf_hash"]


@pytest.mark.parametrize(
    ("who", "status"), [("owner", 200), ("colleague", 200), ("stranger", 404), ("auditor", 200), ("admin", 200)]
)  # fmt: skip
def test_who_may_have_a_proof(client, cast, sealed, who, status):
    assert get(client, f"/api/v1/predictions/{sealed[0]}/proof", cast[who]).status_code == status


@pytest.mark.parametrize(
    ("who", "status"), [("owner", 403), ("colleague", 403), ("stranger", 403), ("auditor", 200), ("admin", 200)]
)  # fmt: skip
def test_who_may_read_entries(client, cast, sealed, who, status):
    """They tell who asked when: hashes are for everyone who is let in, entries for auditors."""
    size = open_size(client, cast)
    path = tiles.path_of("entries", (size - 1) // 256, (size - 1) % 256 + 1)
    assert get(client, f"/api/v1/ledger/tile/{path}", cast[who]).status_code == status
    path = tiles.path_of(0, (size - 1) // 256, (size - 1) % 256 + 1)
    assert get(client, f"/api/v1/ledger/tile/{path}", cast[who]).status_code == 200


def open_size(client, cast) -> int:
    return int(get(client, "/api/v1/ledger/checkpoint", cast["owner"]).text.split("\n")[1])


def test_tiles_and_entries_make_the_root_of_the_checkpoint(client, cast, sealed, keys):
    note = get(client, "/api/v1/ledger/checkpoint", cast["auditor"]).text
    checkpoint = open_checkpoint(note.encode(), keys)
    tree, hashes = Tree(), b""
    for number in range(-(-checkpoint.size // 256)):
        width = min(256, checkpoint.size - number * 256)
        hashes += get(
            client, f"/api/v1/ledger/tile/{tiles.path_of(0, number, width)}", cast["auditor"]
        ).data
        bundle = get(
            client,
            f"/api/v1/ledger/tile/{tiles.path_of('entries', number, width)}",
            cast["auditor"],
        ).data
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            tree.append(hash_leaf(bundle[2 : 2 + length]))
            bundle = bundle[2 + length :]
    assert tree.root() == checkpoint.root
    assert tiles.split(hashes)[-1] == hash_leaf_of_last(client, cast, checkpoint.size)


def hash_leaf_of_last(client, cast, size) -> bytes:
    path = tiles.path_of(0, (size - 1) // 256, (size - 1) % 256 + 1)
    return get(client, f"/api/v1/ledger/tile/{path}", cast["auditor"]).data[-32:]


def test_two_checkpoints_are_proven_consistent(app, client, cast, sealed, keys):
    old = open_checkpoint(get(client, "/api/v1/ledger/checkpoint", cast["owner"]).data, keys)
    with app.app_context():
        ask(app, cast["owner"], rows=40)
    app.extensions["sealer"].seal_all()
    new = open_checkpoint(get(client, "/api/v1/ledger/checkpoint", cast["owner"]).data, keys)
    answer = get(client, f"/api/v1/ledger/consistency?from={old.size}&to={new.size}", cast["owner"])
    verify_consistency(
        old.size, new.size, [parse_hash(one) for one in answer.json["hashes"]], old.root, new.root
    )


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("consistency", 400, "/from"), ("consistency?from=1", 400, "/to"), ("consistency?from=0&to=2", 400, "/from"),
        ("consistency?from=2&to=1", 400, "/from"), ("consistency?from=1&to=99999999", 400, "/to"),
        ("consistency?from=01&to=2", 400, "/from"), ("consistency?from=x&to=2", 400, "/from"),
        ("tile/0/999", 404, "no such tile yet"), ("tile/0/000.p/256", 404, "no such tile"),
        ("tile/0/..", 404, "no such tile"), ("tile/99/000", 404, "no such tile"), ("tile/entries/x001/000", 404, "not as many"),
        ("tile/entries/x999/x999/x999/x999/x999/999", 404, "not as many"), ("tile/9/x999/x999/x999/x999/x999/999", 404, "yet"),
        ("tile/", 404, ""), ("tile/0/x999/x999/x999/x999/x999/x999/x999/999", 404, "no such tile"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for(client, cast, sealed, path, status, says):
    answer = get(client, f"/api/v1/ledger/{path}", cast["auditor"])
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert says in json.dumps(answer.json)


def test_pages_offer_the_proof_and_the_record(client, app, browser_of, cast, sealed, keys):
    page = browser_of("owner")
    assert "In the book as leaf" in page.get(f"/predictions/{sealed[0]}").text
    proof = page.get(f"/predictions/{sealed[0]}/proof").text
    record = page.get(f"/predictions/{sealed[0]}/record").json
    verify_record(verify_proof(proof, keys), record)
    assert browser_of("stranger").get(f"/predictions/{sealed[0]}/proof").status_code == 404
    assert browser_of("stranger").get(f"/predictions/{sealed[0]}/record").status_code == 404


def test_a_page_says_that_a_record_waits(app, browser_of, cast):
    with app.app_context():
        (identifier,) = ask(app, cast["owner"])
    assert "will be sealed in seconds" in browser_of("owner").get(f"/predictions/{identifier}").text
    assert browser_of("owner").get(f"/predictions/{identifier}/proof").status_code == 404


@pytest.mark.parametrize(
    ("change", "says"),
    [("channel = 'form'", "channel is not what the leaf says"), ("output = '{}'", "output is not what was committed to")],
)  # fmt: skip
def test_a_page_says_that_a_record_is_not_what_was_sealed(
    app, browser_of, cast, sealed, change, says
):
    from app.extensions import db

    with app.app_context():
        tamper(db.session, f"UPDATE predictions SET {change} WHERE id = :id", id=sealed[1])
        db.session.commit()
    page = browser_of("owner").get(f"/predictions/{sealed[1]}").text
    assert "MISMATCH" in page
    assert f"the record is not what was sealed: {says}" in page
