"""Answers in JSON."""

from typing import Any

import orjson
from flask import Response


def json_answer(document: Any, status: int = 200, kind: str = "application/json") -> Response:
    """Return a JSON answer; identifiers and times become text, times in UTC."""
    return Response(orjson.dumps(document, option=orjson.OPT_UTC_Z), status, content_type=kind)
