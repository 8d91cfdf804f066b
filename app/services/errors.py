"""What can go wrong, in the words of the domain. `app/errors.py` turns these into HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

_TYPE = "urn:daybook:problem:"


@dataclass(frozen=True)
class InputFault:
    """One fault of what was sent: where (a JSON pointer, RFC 6901) and what."""

    pointer: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "pointer", storable(self.pointer))
        object.__setattr__(self, "message", storable(self.message))


@dataclass(frozen=True)
class QueryFault(InputFault):
    """A fault of a query, and where in it: from `start` to before `end`, in characters."""

    start: int
    end: int


def pointer_to(*places: str | int) -> str:
    """Return the JSON pointer (RFC 6901) to a place in a document."""
    return "".join(f"/{str(place).replace('~', '~0').replace('/', '~1')}" for place in places)


def storable(text: str) -> str:
    """Return a text that the book can hold: what a caller sent may contain U+0000 or half characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


class ServiceError(Exception):
    """Something was refused or failed.

    The docstring of each kind is its title; `slug` names it in problem documents for ever.
    """

    slug: ClassVar[str]
    #: The record of a refused or failed request, once it is committed.
    record_id: UUID | None = None

    def __init__(self, detail: str, errors: Sequence[InputFault] = ()) -> None:
        self.detail = storable(detail)
        self.errors = tuple(errors)
        super().__init__(detail)

    @property
    def title(self) -> str:
        """The kind of error in a few words, the same for every occurrence."""
        return (type(self).__doc__ or "").strip().removesuffix(".")

    def problem(self) -> dict[str, Any]:
        """Return the problem document (RFC 9457) without the parts that belong to HTTP."""
        document: dict[str, Any] = {
            "type": _TYPE + self.slug,
            "title": self.title,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [vars(error) for error in self.errors]
        return document


class NotSignedInError(ServiceError):
    """You are not signed in."""

    slug = "not-signed-in"


class NotAllowedError(ServiceError):
    """You may not do this."""

    slug = "not-allowed"


class UnknownThingError(ServiceError):
    """There is no such thing."""

    slug = "unknown"


class NotSealedError(ServiceError):
    """This is not in the book yet."""

    slug = "not-sealed"


class HeldError(ServiceError):
    """A legal hold forbids this."""

    slug = "held"


class DamagedBookError(ServiceError):
    """The book is damaged."""

    slug = "damaged-book"


class ConflictError(ServiceError):
    """This does not fit what is already there."""

    slug = "conflict"


class NotReadableBodyError(ServiceError):
    """The body cannot be read."""

    slug = "body-not-readable"


class LengthRequiredError(ServiceError):
    """The length of the body must be declared."""

    slug = "length-required"


class BodyTooLargeError(ServiceError):
    """The request is too large."""

    slug = "too-large"


class WrongMediaTypeError(ServiceError):
    """The body is of a type that is not understood here."""

    slug = "wrong-media-type"


class NotAcceptableError(ServiceError):
    """The answer has no type that you accept."""

    slug = "not-acceptable"


class InvalidInputsError(ServiceError):
    """The inputs do not fit."""

    slug = "invalid-inputs"


class InvalidQueryError(ServiceError):
    """The query is not understood."""

    slug = "invalid-query"


class PredictionFailedError(ServiceError):
    """The model failed."""

    slug = "model-failed"


class UnexpectedError(ServiceError):
    """The service failed."""

    slug = "unexpected"


class UnavailableError(ServiceError):
    """The service cannot answer now."""

    slug = "unavailable"


class OverloadedError(UnavailableError):
    """There is too much to do at this moment."""

    slug = "overloaded"


class DatabaseAwayError(UnavailableError):
    """The database does not answer now: nothing can be read, and nothing recorded."""

    slug = "database-away"

    def __init__(self) -> None:
        super().__init__("The database does not answer. Send it again a little later.")


class UnconfirmedError(UnavailableError):
    """The record could not be confirmed."""

    slug = "unconfirmed"


class KeyInFlightError(ServiceError):
    """A request with this idempotency key is being answered."""

    slug = "idempotency-key-in-flight"


class KeyReusedError(ServiceError):
    """This idempotency key was used for another request."""

    slug = "idempotency-key-reused"


class StoredError(ServiceError):
    """An error that a request was answered with before."""

    slug = "stored"

    def __init__(
        self, problem: dict[str, Any], kind: type[ServiceError], request_id: UUID, record_id: UUID
    ) -> None:
        super().__init__(str(problem.get("detail", "")))
        self.kind = kind
        self.request_id = request_id
        self.record_id = record_id
        self._problem = problem

    def problem(self) -> dict[str, Any]:
        """Return the problem document as it was then."""
        return self._problem


def class_of_problem(problem: dict[str, Any]) -> type[ServiceError]:
    """Return the kind of error that a problem document tells of."""
    kinds: list[type[ServiceError]] = [ServiceError]
    for kind in kinds:  # It grows while it is read: all kinds, however derived.
        kinds += kind.__subclasses__()
    slug = str(problem.get("type", "")).removeprefix(_TYPE)
    return next((kind for kind in kinds[1:] if kind.slug == slug), UnexpectedError)


def invalid_input(name: str, message: str) -> InvalidInputsError:
    """Return the error of one input that does not fit."""
    return InvalidInputsError(message, [InputFault(pointer_to(name), message)])


def invalid_at(*places: str | int, why: str) -> InvalidInputsError:
    """Return the error of one place in what was sent that does not fit."""
    return InvalidInputsError(why, [InputFault(pointer_to(*places), why)])


def invalid_query(name: str, message: str) -> InvalidQueryError:
    """Return the error of one part of a query that is not understood."""
    return InvalidQueryError(f"{name}: {message}", [InputFault(pointer_to(name), message)])
