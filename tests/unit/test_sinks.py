"""Sinks: folders and addresses that keep the newest checkpoint."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from app.sealer.sinks import FolderSink, HTTPSink, SinkError, read_sinks


class Keeper(BaseHTTPRequestHandler):
    """A server that keeps what is PUT, or answers with a status that it was told."""

    kept: ClassVar[dict[str, bytes]] = {}
    wants: ClassVar[str | None] = None
    status = 200

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.status == 200:
            self.kept[self.path] = body
        self._answer(b"")

    def do_GET(self):
        self.status = self.status if self.path in self.kept or self.status != 200 else 404
        self._answer(self.kept.get(self.path, b""))

    def _answer(self, body):
        if self.wants not in (None, self.headers["Authorization"]):
            self.status = 401
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def keeper():
    class Own(Keeper):
        kept: ClassVar[dict[str, bytes]] = {}

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        server.kind = Own
        yield server
        server.shutdown()
        thread.join()


def address(server, path="/daybook"):
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_an_address_keeps_the_newest_checkpoint(keeper):
    sink = HTTPSink(address(keeper))
    assert sink.read() is None
    sink.write(1, b"one")
    sink.write(2, b"two")
    assert sink.read() == b"two"


def test_an_address_may_have_a_name_and_a_password(keeper):
    keeper.kind.wants = "Basic YW5hOnMgcw=="
    sink = HTTPSink(address(keeper).replace("//", "//ana:s%20s@"))
    sink.write(1, b"one")
    assert sink.read() == b"one"
    with pytest.raises(SinkError, match="answers 401"):
        HTTPSink(address(keeper)).read()


@pytest.mark.parametrize("status", [401, 500, 503])
def test_an_address_that_refuses_says_so(keeper, status):
    keeper.kind.status = status
    sink = HTTPSink(address(keeper))
    for call in (sink.read, lambda: sink.write(1, b"one")):
        with pytest.raises(SinkError, match=f"answers {status}"):
            call()


def test_an_address_where_nobody_is_says_so_without_its_secrets():
    sink = HTTPSink("http://ana:secret@127.0.0.1:1/daybook?key=secret")
    assert sink.name == "http://127.0.0.1:1/daybook"
    for call in (sink.read, lambda: sink.write(1, b"one")):
        with pytest.raises(SinkError) as trouble:
            call()
        assert "secret" not in str(trouble.value)


def test_a_folder_keeps_all_and_the_newest(tmp_path):
    sink = FolderSink(tmp_path)
    assert sink.read() is None
    sink.write(5, b"five")
    sink.write(7, b"seven")
    assert sink.read() == b"seven"
    assert {path.name: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()} == {
        "5": b"five",
        "7": b"seven",
    }


def test_a_folder_that_is_not_there_says_so(tmp_path):
    sink = FolderSink(tmp_path / "gone")
    for call in (sink.read, lambda: sink.write(1, b"one")):
        with pytest.raises(SinkError, match="gone"):
            call()


def test_a_file_where_a_folder_should_be_says_so(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError):
        FolderSink(tmp_path / "file").read()


def test_the_setting_names_folders_and_addresses():
    first, second = read_sinks("/mnt/audit  https://example.com/daybook")
    assert (type(first), first.name) == (FolderSink, "/mnt/audit")
    assert (type(second), second.name) == (HTTPSink, "https://example.com/daybook")
    assert read_sinks("") == []
