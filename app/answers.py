"""Answers in JSON."""

from collections.abc import Generator
from itertools import chain
from typing import Any

import orjson
from flask import Response

from app.application import Answer
from app.describing import JSON


class _JSONAnswer(Answer):
    """An answer that is complete: its length is known, it names no other address, and nothing is done after it."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Hand it to the server."""
        start_response(self.status, self.headers.to_wsgi_list())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else self.response


def json_answer(document: Any, status: int = 200) -> Response:
    """Return a JSON answer; identifiers and times become text, times in UTC."""
    body = orjson.dumps(document, option=orjson.OPT_UTC_Z)
    answer = _JSONAnswer([body], status, content_type=JSON)
    answer.headers.add("Content-Length", len(body))
    return answer


def archive_answer(parts: Generator[bytes], name: str) -> Response:
    """Return an archive that is sent while it is made; what goes wrong before its first bytes is an error."""
    first = next(parts)
    answer = Response(chain([first], parts), content_type="application/zip")
    answer.call_on_close(parts.close)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def problem_answer(document: Any, status: int) -> Response:
    """Return a problem document (RFC 9457), its members sorted: the same one has the same bytes."""
    body = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return Response(body, status, content_type="application/problem+json")
