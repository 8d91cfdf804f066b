"""What a route takes and answers, declared where the route is declared; `app/openapi` makes a document of it.

Shapes are types that pydantic can describe: typed dictionaries, and what they are made of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])
JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = "text/plain"
BYTES = "application/octet-stream"
#: Shapes by media type.
Content = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a route takes and answers.

    Attributes:
        answers: the shapes of its answers, by status.
        body: the shapes of what it takes; None if it takes nothing.
        needs_body: whether it must be sent.
        query: the shapes of its parameters, by name.
        required: the names of those parameters that must be sent.
        headers: the shapes of the headers that it reads, by name.
        answer_headers: the shapes of the headers that its answers may have, by name.
        refusals: statuses of refusals that other routes of its kind do not have.
    """

    answers: Mapping[int, Content]
    body: Content | None = None
    needs_body: bool = True
    query: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    headers: Mapping[str, Any] = field(default_factory=dict)
    answer_headers: Mapping[str, Any] = field(default_factory=dict)
    refusals: tuple[int, ...] = ()


def describe(
    *,
    answers: Mapping[int, Any],
    body: Any = None,
    needs_body: bool = True,
    query: Mapping[str, Any] | None = None,
    required: frozenset[str] = frozenset(),
    headers: Mapping[str, Any] | None = None,
    answer_headers: Mapping[str, Any] | None = None,
    refusals: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """Declare what a route takes and answers; a shape without a media type is one of JSON. See `Description`."""
    description = Description(
        answers={status: _content(shape) for status, shape in answers.items()},
        body=None if body is None else _content(body),
        needs_body=needs_body, query=query or {}, required=required,
        headers=headers or {}, answer_headers=answer_headers or {}, refusals=refusals,
    )  # fmt: skip

    def declare(view: View) -> View:
        view.daybook_description = description  # type: ignore[attr-defined]
        return view

    return declare


def description_of(view: Callable[..., Any] | None) -> Description | None:
    """Return what a view has declared, None if it has not."""
    return getattr(view, "daybook_description", None)


def _content(shape: Any) -> Content:
    return shape if isinstance(shape, Mapping) else {JSON: shape}
