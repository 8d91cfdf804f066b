"""Answers in JSON."""

from typing import Any

import orjson
from flask import Response


def json_answer(document: Any, status: int = 200) -> Response:
    """Return a JSON answer; identifiers and times become text, times in UTC."""
    body = orjson.dumps(document, option=orjson.OPT_UTC_Z)
    return Response(body, status, content_type="application/json")


def problem_answer(document: Any, status: int) -> Response:
    """Return a problem document (RFC 9457), its members sorted: the same one has the same bytes."""
    body = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return Response(body, status, content_type="application/problem+json")
