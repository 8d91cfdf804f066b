"""Bodies of programs: whole, or refused in words."""

import io

import pytest

from app.application import Call
from app.bodies import declared_length, read_body
from app.services.errors import BodyTooLargeError, LengthRequiredError, NotReadableBodyError


class Slow(io.BytesIO):
    """Gives three bytes at a time, as networks do."""

    def read(self, size=-1):
        return super().read(min(size, 3))


class Broken(io.BytesIO):
    """A client that has gone."""

    def read(self, *_):
        raise OSError("gone")


def call(body=b"", **environ):
    stream = body if isinstance(body, io.BytesIO) else io.BytesIO(body)
    usual = {"REQUEST_METHOD": "POST", "PATH_INFO": "/api/v1", "SERVER_NAME": "here", "SERVER_PORT": "80",
             "wsgi.url_scheme": "http", "wsgi.input": stream}  # fmt: skip
    return Call(usual | environ)


@pytest.mark.parametrize("stream", [b"hello, world", Slow(b"hello, world")])
def test_a_body_is_read_to_its_declared_length(stream):
    assert read_body(call(stream, CONTENT_LENGTH="5"), 10) == b"hello"


def test_a_request_without_a_body_has_none():
    assert read_body(call(), 10) == b""
    assert read_body(call(**{"wsgi.input_terminated": True}), 10) == b""


@pytest.mark.parametrize(
    "announced",
    [
        {"HTTP_TRANSFER_ENCODING": "chunked"},
        {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "5"},
        {"wsgi.input_terminated": True},  # As servers give the bodies of HTTP/2.
    ],
)
def test_a_body_without_a_length_is_refused(announced):
    with pytest.raises(LengthRequiredError):
        read_body(call(b"hello", **announced), 10)


def test_a_client_that_goes_without_a_body_sent_none():
    assert read_body(call(Broken(), **{"wsgi.input_terminated": True}), 10) == b""


@pytest.mark.parametrize("stream", [b"hell", Slow(b"hell"), Broken(b"hello")])
def test_a_body_that_ends_early_is_refused(stream):
    with pytest.raises(NotReadableBodyError):
        read_body(call(stream, CONTENT_LENGTH="5"), 10)


@pytest.mark.parametrize("length", ["11", "9" * 4_400])
def test_a_body_that_is_too_long_is_refused_unread(length):
    with pytest.raises(BodyTooLargeError):
        read_body(call(Broken(), CONTENT_LENGTH=length), 10)


@pytest.mark.parametrize(
    ("text", "length"),
    [("5", 5), ("0" * 30 + "5", 5), ("00", 0), ("", None), ("-5", None), ("5x", None)],
)
def test_lengths_are_read_as_they_are_written(text, length):
    assert declared_length(call(CONTENT_LENGTH=text)) == length
