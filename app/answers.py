"""Answers in JSON."""

from collections.abc import Generator
from itertools import chain
from typing import Any

import orjson
from flask import Response
from werkzeug.datastructures import Headers

from app.application import Answer


class _JSONAnswer(Answer):
    """An answer whose headers are complete: its length is known, and it names no other address."""

    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002
        """Return the headers."""
        return self.headers


def json_answer(document: Any, status: int = 200) -> Response:
    """Return a JSON answer; identifiers and times become text, times in UTC."""
    body = orjson.dumps(document, option=orjson.OPT_UTC_Z)
    return _JSONAnswer(body, status, content_type="application/json")


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
