"""Who may do what: the only place that knows.

Each route declares what it requires, with one of the decorators here. A route that declares nothing
is refused (`app/auth/guard.py`), and a test over all routes finds it before that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from app.models import Role, Scope

View = TypeVar("View", bound=Callable[..., Any])

ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.ANALYST: frozenset(
        {Scope.PREDICT, Scope.READ_OWN, Scope.READ_ALL, Scope.OUTCOME, Scope.REVIEW}
    ),
    Role.AUDITOR: frozenset({Scope.READ_OWN, Scope.READ_ALL, Scope.AUDIT}),
    Role.ADMIN: frozenset(Scope),
}

#: Roles whose people see every model and every record, granted or not.
SEES_EVERYTHING = frozenset({Role.AUDITOR, Role.ADMIN})


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who is asking: a person in a session, or a person's token."""

    user_id: UUID
    email: str
    role: Role
    scopes: frozenset[Scope]
    token_id: UUID | None = None

    @cached_property
    def written(self) -> tuple[str, str | None]:
        """The identifiers of the person and the token, written once for many requests."""
        return str(self.user_id), None if self.token_id is None else str(self.token_id)

    def may(self, *scopes: Scope) -> bool:
        """Whether the caller has one of the scopes."""
        return not self.scopes.isdisjoint(scopes)

    @property
    def sees_everything(self) -> bool:
        """Whether every model and record is open to this caller."""
        return self.role in SEES_EVERYTHING


#: Whoever runs a command on the machine: the database's own rights are theirs.
OPERATOR = Caller(user_id=UUID(int=0), email="", role=Role.ADMIN, scopes=ROLE_SCOPES[Role.ADMIN])


@dataclass(frozen=True)
class Requirement:
    """What a route requires: nothing (`public`), a caller, or a caller with one of the scopes.

    `rechecked`: whoever calls is checked again in the transaction that records the call.
    """

    public: bool = False
    scopes: tuple[Scope, ...] = ()
    rechecked: bool = False


PUBLIC = Requirement(public=True)
SIGNED_IN = Requirement()
RECHECKED = Requirement(rechecked=True)


def public(view: View) -> View:
    """Declare that anybody may call this route."""
    return _declare(view, PUBLIC)


def signed_in(view: View) -> View:
    """Declare that any signed-in caller may call this route."""
    return _declare(view, SIGNED_IN)


def rechecked(view: View) -> View:
    """Declare that any signed-in caller may call this route, which has them checked when it records.

    So they may be known from a moment ago: no query is needed before.
    """
    return _declare(view, RECHECKED)


def requires(*scopes: Scope) -> Callable[[View], View]:
    """Declare that only callers with one of these scopes may call this route."""
    return lambda view: _declare(view, Requirement(scopes=scopes))


def requirement_of(view: Callable[..., Any] | None) -> Requirement | None:
    """Return what a view has declared, None if it has not."""
    return getattr(view, "daybook_requirement", None)


def _declare(view: View, requirement: Requirement) -> View:
    view.daybook_requirement = requirement  # type: ignore[attr-defined]
    return view
