"""The exported book: checked offline, with the verifier's folder alone; every change of it is found."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from app.services import books
from app.services.errors import ConflictError
from config import PROJECT


@pytest.fixture
def exported(house):
    folder = house.folder / "exported"
    with house.context():
        done = books.export_book(folder, [house.key])
    assert done.size == done.records == 614
    return folder


def test_it_is_good_for_the_verifiers_folder_alone(house, exported, tmp_path):
    """In a folder of its own, by an interpreter that does not see the service."""
    apart = tmp_path / "auditor"
    shutil.copytree(PROJECT / "verifier", apart / "verifier")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = [sys.executable, "-m", "verifier", "bundle", str(exported), "--key", house.key]
    done = subprocess.run(
        run, cwd=apart, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "614 leaves, 614 records" in done.stdout
    loaded = "import sys, verifier.__main__; print(sorted({n.partition('.')[0] for n in sys.modules} & {'app', 'ml', 'flask', 'sqlalchemy', 'psycopg2', 'orjson'}))"
    done = subprocess.run(
        [sys.executable, "-c", loaded],
        cwd=apart,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_it_has_what_its_readme_says(exported):
    names = {path.name for path in exported.iterdir()}
    assert names == {
        "README.txt",
        "checkpoint",
        "checkpoints.ndjson",
        "keys",
        "manifest.json",
        "records.ndjson",
        "tile",
    }
    manifest = json.loads((exported / "manifest.json").read_text())
    import hashlib

    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((exported / name).read_bytes()).hexdigest() == digest
    assert {str(p.relative_to(exported)) for p in exported.rglob("tile/**/*") if p.is_file()} == {
        "tile/0/000", "tile/0/001", "tile/0/002.p/102", "tile/1/000.p/2",
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/102",
    }  # fmt: skip


def test_a_folder_that_is_there_is_not_written_to(house, exported):
    with house.context(), pytest.raises(ConflictError, match="is there already"):
        books.export_book(exported, [house.key])


def edit(path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def drop_line(folder, number: int) -> None:
    lines = (folder / "records.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "records.ndjson").write_bytes(b"".join(lines[:number] + lines[number + 1 :]))


def swap_lines(folder) -> None:
    lines = (folder / "records.ndjson").read_bytes().splitlines(keepends=True)
    lines[400], lines[401] = lines[401], lines[400]
    (folder / "records.ndjson").write_bytes(b"".join(lines))


def one_more_line(folder) -> None:
    path = folder / "records.ndjson"
    data = path.read_bytes()
    last = data.splitlines(keepends=True)[-1]
    path.write_bytes(data + last.replace(b'"index": 613', b'"index": 614'))


CHANGES = {
    "a record's input": (lambda f: edit(f / "records.ndjson", rb"\"country\":\"FR\"", rb"\"country\":\"DE\""),
                         "inputs is not what was committed to"),
    "a record's fact": (lambda f: edit(f / "records.ndjson", b'"channel": "api"', b'"channel": "form"'),
                        "channel is not what the leaf says"),
    "a record dropped": (lambda f: drop_line(f, 400), "the record is gone, and no leaf says why"),
    "two records swapped": (swap_lines, "in records.ndjson: belongs to no leaf there"),
    "an entry": (lambda f: edit(f / "tile/entries/001", b'"channel":"api"', b'"channel":"apj"'),
                 "has another root than the leaves"),
    "a tile": (lambda f: edit(f / "tile/0/001", (f / "tile/0/001").read_bytes()[:32], bytes(32)),
               "tile 1 of level 0 is not what the leaves make, first at leaf 256"),
    "a partial tile gone": (lambda f: (f / "tile/1/000.p/2").unlink(), "tile 0 of level 1 is missing"),
    "entries gone": (lambda f: (f / "tile/entries/001").unlink(), "the entries from 256 on are not there"),
    "entries broken off": (lambda f: (f / "tile/entries/001").write_bytes((f / "tile/entries/001").read_bytes()[:-1]),
                           "is broken off"),
    "a checkpoint": (lambda f: edit(f / "checkpoints.ndjson", b"log/1\\n614\\n", b"log/1\\n613\\n"), "is wrong"),
    "no checkpoint": (lambda f: (f / "checkpoint").unlink(), "there is no checkpoint"),
    "a record that is none": (lambda f: edit(f / "records.ndjson", b'"facts":', b'"fact":'), "not in the form of one"),
    "a salt that is no salt": (lambda f: edit(f / "records.ndjson", b'"salts": {"inputs": "', b'"salts": {"inputs": "zz'),
                               "inputs is not what was committed to"),
    "a number that Python takes for the same": (lambda f: edit(f / "records.ndjson", b'"row": 0,', b'"row": false,'),
                                                "row is not what the leaf says"),
    "a line that is no JSON": (lambda f: edit(f / "records.ndjson", b'{"index": 5,', b'{"index": 5,,'), "is no JSON object"),
    "a line without its leaf": (lambda f: edit(f / "records.ndjson", b'{"index": 5,', b'{"index": true,'),
                                "does not say which leaf it belongs to"),
    "bytes that are no text": (lambda f: edit(f / "records.ndjson", b'{"index": 5,', b'\xff\xfe'), "is no JSON object"),
    "a checkpoint that is no text": (lambda f: edit(f / "checkpoints.ndjson", b'"note": "', b'"mote": "'), "has no note"),
    "records beyond": (one_more_line, "the record of leaf 614 in records.ndjson: belongs to no leaf there"),
}  # fmt: skip


def test_a_line_that_is_broken_does_not_hide_the_others(house, exported, capsys):
    for change in ("a line that is no JSON", "a record's input", "a record's fact"):
        CHANGES[change][0](exported)
    _, said = house.verify(capsys, "bundle", exported, "--key", house.key)
    assert all(
        CHANGES[c][1] in said
        for c in ("a line that is no JSON", "a record's input", "a record's fact")
    )


def test_what_a_finding_quotes_cannot_steer_the_terminal(house, exported, capsys):
    edit(exported / "records.ndjson", b'"facts": {', b'"facts": {"\\u001b[2J": 1, ')
    code, said = house.verify(capsys, "bundle", exported, "--key", house.key)
    assert (code, r"\x1b[2J is not what the leaf says" in said, "\x1b" in said) == (1, True, False)


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_it_is_found(house, exported, capsys, change):
    how, finding = CHANGES[change]
    how(exported)
    code, said = house.verify(capsys, "bundle", exported, "--key", house.key)
    assert code == 1
    assert finding in said


def test_receipts_and_kept_checkpoints_are_compared(house, exported, capsys):
    identifier, told = next(iter(house.receipts.items()))
    good = ("bundle", exported, "--key", house.key, "--checkpoint", house.held)
    assert house.verify(capsys, *good, "--receipt", f"{identifier}={told}")[0] == 0
    code, said = house.verify(capsys, *good, "--receipt", f"{identifier}={'0' * 64}")
    assert (code, "is not what the receipt says" in said) == (1, True)
    strange = "01a1fb94-3447-7115-a759-b8b05717c722"
    code, said = house.verify(capsys, *good, "--receipt", f"{strange}={told}")
    assert (code, f"record {strange}: has a receipt, but is not in the book" in said) == (1, True)


def test_keys_of_somebody_else_are_not_believed(house, exported, capsys):
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    code, said = house.verify(capsys, "bundle", exported, "--key", other)
    assert (code, "signed by none of the keys that are trusted" in said) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["proof"],
        ["nothing"],
        ["bundle"],
        ["proof", "/nowhere", "--key", "x"],
        ["consistency", "a"],
    ],
)
def test_wrong_usage_exits_with_2(house, capsys, arguments):
    try:
        code = house.verify(capsys, *arguments)[0]
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2


def test_a_database_that_cannot_be_read_says_so(house, capsys):
    code, said = house.verify(
        capsys, "database", "postgresql://nobody@127.0.0.1:1/none", "--key", house.key
    )
    assert code == 1
    assert "the database cannot be read" in said
