"""Operations: what a route declares, as OpenAPI says it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from app.access import Caller, Requirement, requirement_of
from app.application import is_for_programs
from app.describing import BYTES, Content, Description, description_of
from app.error_shapes import error_content
from app.models import Scope
from app.openapi.shapes import Shapes

_CONVERTERS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
}
#: What the routes of each blueprint are shown under, in this order.
TAGS = {
    "api_v1": "Daybook",
    "open_inference": "Open Inference (V2)",
    "kserve_v1": "KServe (V1)",
    "mlflow": "MLflow",
    "health": "Operation",
}  # fmt: skip
_OWN = "api_v1"
_REQUEST_ID, _OWN_NAME = (
    "X-Request-Id",
    "Your own name of this request: it is echoed, logged and kept.",
)
_TEXT = {"type": "string"}
_COME_AGAIN = (202, 409, 429, 503)
_LATER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
_OPERATION = "health"


@dataclass(frozen=True)
class Operation:
    """A route that programs call, with one of its methods."""

    rule: Rule
    method: str
    view: Any
    requirement: Requirement
    description: Description

    @property
    def path(self) -> str:
        """The path as OpenAPI writes it."""
        return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", self.rule.rule)

    @property
    def blueprint(self) -> str:
        """The blueprint that the route belongs to."""
        return str(self.rule.endpoint).split(".")[0]

    def is_for(self, caller: Caller) -> bool:
        """Whether a caller may call it."""
        wanted = self.requirement.scopes
        # Who may predict is asked by the service, which records refusals.
        wanted = (Scope.PREDICT,) if self.requirement.rechecked else wanted
        return not wanted or caller.may(*wanted)

    def types(self) -> Iterator[Any]:
        """Yield the types of everything that it takes and answers."""
        declared = self.description
        yield from declared.query.values()
        yield from declared.headers.values()
        yield from declared.answer_headers.values()
        for content in (
            declared.body or {},
            *declared.answers.values(),
            *self._refusals().values(),
        ):
            yield from (one for one in content.values() if one is not bytes)

    def document(self, shapes: Shapes, names: Sequence[str]) -> dict[str, Any]:
        """Return the operation, as OpenAPI says it.

        Args:
            shapes: the schemas of its types.
            names: of the models that the caller may use.
        """
        summary, _, more = (self.view.__doc__ or "").partition("\n\n")
        document: dict[str, Any] = {
            "tags": [TAGS.get(self.blueprint, TAGS[_OPERATION])],
            "operationId": re.sub(r"\W+", "_", f"{self.method.lower()}{self.path}").strip("_"),
            "summary": summary.strip().removesuffix("."),
            "description": "\n".join(line.strip() for line in more.splitlines()).strip(),
            "parameters": [*self._in_path(names), *self._others(shapes)],
            "responses": self._responses(shapes),
        }
        if self.description.body is not None:
            document["requestBody"] = {
                "required": self.description.needs_body,
                "content": _content(self.description.body, shapes),
            }
        if self.requirement.public:  # Some want a token of the operator's where there is one.
            document["security"] = [{}, {"token": []}] if 401 in self.description.answers else []
        return document

    def _in_path(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        for kind, name in re.findall(r"<(?:([^:<>]+):)?([^<>]+)>", self.rule.rule):
            schema = _CONVERTERS.get(kind, {"type": "string"})
            if name == "name" and names:
                schema = schema | {"enum": list(names)}
            yield {"name": name, "in": "path", "required": True, "schema": schema}

    def _others(self, shapes: Shapes) -> Iterator[dict[str, Any]]:
        declared = self.description
        for place, given in (("query", declared.query), ("header", declared.headers)):
            for name, type_ in given.items():
                required = name in declared.required
                yield {"name": name, "in": place, "required": required, "schema": shapes[type_]}
        yield {"name": _REQUEST_ID, "in": "header", "description": _OWN_NAME, "schema": _TEXT}

    def _responses(self, shapes: Shapes) -> dict[str, Any]:
        declared = self.description
        own = {name: {"schema": shapes[type_]} for name, type_ in declared.answer_headers.items()}
        own[_REQUEST_ID] = {"schema": _TEXT}
        return {
            str(status): {
                "description": HTTPStatus(status).phrase,
                "headers": own if status not in _COME_AGAIN else own | _LATER,
                "content": _content(content, shapes),
            }
            for status, content in sorted((self._refusals() | dict(declared.answers)).items())
        }

    def _refusals(self) -> dict[int, Content]:
        return dict(error_content(self.rule.rule, status) for status in self._refused_with())

    def _refused_with(self) -> Iterable[int]:
        """Yield the statuses of its refusals, as they are for problem documents."""
        yield from self.description.refusals
        if self.blueprint == _OPERATION or self.requirement.public:
            return
        yield from (401, 403, 429, 503)
        if self.rule.arguments:
            yield 404
        if self.description.query:
            yield 400
        if self.blueprint == _OWN:
            yield 406
        if self.description.body:
            yield from (400, 411, 413, 415, 422)


def operations_of(app: Flask) -> Iterator[Operation]:
    """Yield what programs can call, in the order of the paths."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: one.rule):
        view = app.view_functions[rule.endpoint]
        described, requirement = description_of(view), requirement_of(view)
        if (
            described is None
            or requirement is None
            or not is_for_programs(rule.rule)
            or _is_twin(app, rule)
        ):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Operation(rule, method, view, requirement, described)


def _is_twin(app: Flask, rule: Rule) -> bool:
    """Whether the same address without the slash at its end is a route, too."""
    others = {one.rule for one in app.url_map.iter_rules(rule.endpoint)}
    return rule.rule.endswith("/") and rule.rule.rstrip("/") in others


def _content(content: Content, shapes: Shapes) -> dict[str, Any]:
    return {
        kind: {} if kind == BYTES or type_ is bytes else {"schema": shapes[type_]}
        for kind, type_ in content.items()
    }
