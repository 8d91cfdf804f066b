"""Errors in the words of each protocol: which one a path belongs to, and how its clients read what went wrong."""

from collections.abc import Callable
from typing import Any, NamedTuple, NotRequired
from uuid import UUID

import orjson
from flask import Response
from typing_extensions import TypedDict

from app.describing import JSON, PROBLEM, TEXT

_BAD_INPUT, _UNSUPPORTED = 422, 415
#: MLflow's names of what went wrong (`mlflow/protos/databricks.proto`).
_CODES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "RESOURCE_DOES_NOT_EXIST", 409: "RESOURCE_CONFLICT",
          429: "REQUEST_LIMIT_EXCEEDED", 503: "TEMPORARILY_UNAVAILABLE"}  # fmt: skip


class Fault(TypedDict):
    """One fault of what was sent: where (a JSON pointer, RFC 6901), and what; of a query, from where to where."""

    pointer: str
    message: str
    start: NotRequired[int]
    end: NotRequired[int]


class Problem(TypedDict):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: UUID | None
    errors: NotRequired[list[Fault]]
    prediction_id: NotRequired[UUID]


class InferenceError(TypedDict):
    """What went wrong."""

    error: str


class MLflowError(TypedDict):
    """What went wrong, and its kind."""

    error_code: str
    message: str


class Shape(NamedTuple):
    """How a protocol's errors are answered, with which status, and what they look like."""

    answer: Callable[[int, dict[str, Any]], Response]
    document: Any

    def status(self, status: int) -> int:
        """Return the status that stands for one: to these protocols, input that does not fit is a bad request."""
        return 400 if status == _BAD_INPUT else status

    def content(self, status: int) -> dict[str, Any]:
        """Return the shapes of an error, by media type."""
        if self is MLFLOW and status == _UNSUPPORTED:
            return {TEXT: str}
        return {JSON: self.document}


def shape_of(path: str) -> Shape | None:
    """Return how errors look at a path; None where they are problem documents."""
    if path.startswith(("/v1/", "/v2")):
        return INFERENCE
    if path.endswith("/invocations") or path in ("/ping", "/health"):
        return MLFLOW
    return None


def error_content(path: str, status: int) -> tuple[int, dict[str, Any]]:
    """Return with which status an error is answered at a path, and its shapes by media type."""
    if (shape := shape_of(path)) is None:
        return status, {PROBLEM: Problem}
    return shape.status(status), shape.content(status)


def _inference_error(status: int, problem: dict[str, Any]) -> Response:
    """V1 and V2: `{"error": …}`, with exactly this type."""
    body = orjson.dumps({"error": _told(problem)})
    return Response(body, INFERENCE.status(status), content_type=JSON)


def _mlflow_error(status: int, problem: dict[str, Any]) -> Response:
    if status == _UNSUPPORTED:
        return Response(_told(problem), status, content_type="text/plain; charset=utf-8")
    status = MLFLOW.status(status)
    code = _CODES.get(status, "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR")
    body = orjson.dumps({"error_code": code, "message": _told(problem)})
    return Response(body, status, content_type=JSON)


def _told(problem: dict[str, Any]) -> str:
    return str(problem.get("detail") or problem["title"])


INFERENCE = Shape(_inference_error, InferenceError)
MLFLOW = Shape(_mlflow_error, MLflowError)
