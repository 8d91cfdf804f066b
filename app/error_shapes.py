"""Errors in the words of other protocols: which one a path belongs to, and how its clients read what went wrong."""

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response

Shape = Callable[[int, dict[str, Any]], Response]
_JSON = "application/json"
_BAD_INPUT, _UNSUPPORTED = 422, 415
#: MLflow's names of what went wrong (`mlflow/protos/databricks.proto`).
_CODES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST", 409: "RESOURCE_CONFLICT",
          429: "REQUEST_LIMIT_EXCEEDED", 503: "TEMPORARILY_UNAVAILABLE"}  # fmt: skip


def shape_of(path: str) -> Shape | None:
    """Return how errors look at a path; None where they are problem documents."""
    if path.startswith(("/v1/", "/v2")):
        return _inference_error
    if path.endswith("/invocations") or path in ("/ping", "/health"):
        return _mlflow_error
    return None


def _inference_error(status: int, problem: dict[str, Any]) -> Response:
    """V1 and V2: `{"error": …}`, with exactly this type; input that does not fit is a bad request."""
    body = orjson.dumps({"error": _told(problem)})
    return Response(body, 400 if status == _BAD_INPUT else status, content_type=_JSON)


def _mlflow_error(status: int, problem: dict[str, Any]) -> Response:
    if status == _UNSUPPORTED:
        return Response(_told(problem), status, content_type="text/plain; charset=utf-8")
    status = 400 if status == _BAD_INPUT else status
    code = _CODES.get(status, "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR")
    body = orjson.dumps({"error_code": code, "message": _told(problem)})
    return Response(body, status, content_type=_JSON)


def _told(problem: dict[str, Any]) -> str:
    return str(problem.get("detail") or problem["title"])
