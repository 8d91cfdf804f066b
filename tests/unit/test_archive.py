"""Archives: whole, or seen to be broken."""

import io
import zipfile

import pytest

from app.archive import archived


def parts():
    yield from (b"%d\n" % n * 1000 for n in range(50))


def test_an_archive_holds_both_files():
    sent = list(archived("a.csv", parts(), "m.json", lambda: b"{}"))
    assert len(sent) > 10
    with zipfile.ZipFile(io.BytesIO(b"".join(sent))) as archive:
        assert archive.testzip() is None
        assert archive.read("a.csv") == b"".join(parts())
        assert archive.read("m.json") == b"{}"


def test_what_broke_off_is_no_archive():
    sent = list(archived("a.csv", parts(), "m.json", lambda: b"{}"))
    for end in range(1, len(sent)):
        assert not zipfile.is_zipfile(io.BytesIO(b"".join(sent[:end])))


def test_an_error_in_the_middle_leaves_no_archive_behind():
    def broken():
        yield b"first"
        raise RuntimeError("the database is gone")

    sending = archived("a.csv", broken(), "m.json", lambda: b"{}")
    sent = next(sending)
    with pytest.raises(RuntimeError, match="gone"):
        next(sending)
    assert not zipfile.is_zipfile(io.BytesIO(sent))
    assert list(sending) == []
