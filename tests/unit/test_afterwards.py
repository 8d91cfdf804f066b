"""What an answer does not wait for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from structlog.testing import CapturingLogger

from app import afterwards
from app.afterwards import AFTERWARDS, AnswersFirst

done: list[str] = []


@pytest.fixture(autouse=True)
def nothing_is_done() -> Iterator[None]:
    done.clear()
    yield
    done.clear()


def _start(*_):
    pass


def _app(environ, start_response):
    environ[AFTERWARDS].append(lambda: done.append("first"))
    environ[AFTERWARDS].append(lambda: done.append("second"))
    return [b"an ", b"answer"]


def test_work_is_done_when_the_server_closes_the_body_and_not_before():
    body = AnswersFirst(_app, threads=2)({}, _start)
    assert list(body) == [b"an answer"]
    assert done == []
    body.close()
    assert done == ["first", "second"]


def test_work_is_done_before_the_answer_while_others_are_answered():
    bodies = {}

    def outer(environ, start_response):
        if environ["name"] == "inner":
            return _app(environ, start_response)
        with ThreadPoolExecutor(1) as other:
            bodies["inner"] = other.submit(call, {"name": "inner"}, start_response).result()
        bodies["done"] = list(done)
        return _app(environ, start_response)

    call = AnswersFirst(outer, threads=2)
    body = call({"name": "outer"}, _start)
    assert bodies["inner"] == [b"an ", b"answer"]
    assert bodies["done"] == ["first", "second"]
    assert done == ["first", "second"]
    body.close()
    assert done == ["first", "second"] * 2


def test_work_of_a_body_that_was_never_closed_is_done_before_the_next_request_of_its_thread():
    seen = []

    def looks(environ, start_response):
        seen.append(list(done))
        return _app(environ, start_response)

    call = AnswersFirst(looks, threads=2)
    call({}, _start)
    call({}, _start)
    assert seen == [[], ["first", "second"]]


def test_work_is_done_before_a_body_that_is_made_while_it_is_sent():
    def streamed(environ, start_response):
        _app(environ, start_response)
        return iter([b"a part"])

    assert list(AnswersFirst(streamed, threads=2)({}, _start)) == [b"a part"]
    assert done == ["first", "second"]


def test_work_is_done_before_an_answer_in_http_2_whose_end_would_come_after_it():
    assert AnswersFirst(_app, threads=2)({"SERVER_PROTOCOL": "HTTP/2"}, _start) == [
        b"an ",
        b"answer",
    ]
    assert done == ["first", "second"]


def test_work_is_done_when_the_application_breaks_and_others_are_alone_again():
    def breaks(environ, start_response):
        _app(environ, start_response)
        if environ.get("breaks"):
            raise RuntimeError("broken")
        return [b"well"]

    call = AnswersFirst(breaks, threads=2)
    with pytest.raises(RuntimeError, match="broken"):
        call({"breaks": True}, _start)
    assert done == ["first", "second"]
    call({}, _start)
    assert done == ["first", "second"]


def test_work_that_fails_is_told_and_the_rest_is_done(monkeypatch):
    def fails(environ, start_response):
        environ[AFTERWARDS].append(lambda: {}["nothing"])
        return _app(environ, start_response)

    told = CapturingLogger()
    monkeypatch.setattr(afterwards, "log", told)
    AnswersFirst(fails, threads=2)({}, _start).close()
    [line] = told.calls
    assert (line.method_name, line.kwargs["kind"]) == ("error", "KeyError")
    assert "test_afterwards.py" in line.kwargs["where"][-1]
    assert done == ["first", "second"]


def test_the_end_waits_for_work_that_is_being_done():
    begun, end = Event(), Event()

    def slow(environ, start_response):
        environ[AFTERWARDS].append(lambda: (begun.set(), end.wait(20), done.append("slow")))
        return [b""]

    call = AnswersFirst(slow, threads=2)
    with ThreadPoolExecutor(2) as others:
        answered = others.submit(lambda: call({}, _start).close())
        assert begun.wait(20)
        waiting = others.submit(call.finish, 20)
        with pytest.raises(TimeoutError):
            waiting.result(0.1)
        end.set()
        waiting.result(20)
        assert done == ["slow"]
        answered.result(20)


def test_the_end_does_not_wait_for_ever_for_what_is_never_done():
    call = AnswersFirst(_app, threads=2)
    call({}, _start)
    call.finish(0.01)
    assert done == []


def test_work_is_done_before_the_answer_where_one_thread_cannot_tell_whether_others_wait():
    assert AnswersFirst(_app, threads=1)({}, _start) == [b"an ", b"answer"]
    assert done == ["first", "second"]
