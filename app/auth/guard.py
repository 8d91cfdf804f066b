"""The guard: before each request it finds out who is calling and whether the route is theirs."""

from functools import partial
from uuid import UUID

from flask import session
from flask_login import current_user

from app.access import ROLE_SCOPES, Caller, public, requirement_of
from app.application import Application, Call, Notes
from app.models import Role
from app.services.errors import NotAllowedError, NotSignedInError
from app.services.sessions import is_ended
from app.services.tokens import CallerCache, authenticate_token

#: Where the session keeps its own identifier.
SESSION_ID = "session_id"


def init_app(app: Application) -> None:
    """Put the guard before every route. Assets are for everybody."""
    public(app.view_functions["static"])
    app.before_every_request(partial(_check_access, app))


def _check_access(app: Application, call: Call, notes: Notes) -> None:
    """Let the request through, or refuse it; `g.caller` is then who is calling.

    Raises:
        NotSignedInError: if the route needs a caller and there is none.
        NotAllowedError: if the route declares no requirement, or one that the caller does not meet.
    """
    if (endpoint := call.endpoint) is None:
        return  # No route matched: 404 and 405 are answered later.
    requirement = requirement_of(app.view_functions[endpoint])
    if requirement is None:
        raise NotAllowedError("This route declares no access.")
    if requirement.public:
        notes.caller = None if call.is_by_program or endpoint == "static" else _person()
        return
    if call.is_by_program:
        caller: Caller | None = _program(app, call, requirement.rechecked)
    else:
        caller = _person()
    notes.caller = caller
    if caller is None:
        raise NotSignedInError("Sign in to see this page.")
    if requirement.scopes and not caller.may(*requirement.scopes):
        needed = " or ".join(requirement.scopes)
        raise NotAllowedError(f"This needs the scope {needed}.")


def _person() -> Caller | None:
    if not current_user.is_authenticated:
        return None
    identifier = session.get(SESSION_ID)
    if identifier is None or is_ended(UUID(identifier)):
        session.clear()
        return None
    role = Role(current_user.role)
    return Caller(
        user_id=current_user.id, email=current_user.email, role=role, scopes=ROLE_SCOPES[role]
    )


def _program(app: Application, call: Call, rechecked: bool) -> Caller:
    """Programs send a token, never a cookie: so no other site can make a browser call the API."""
    secret = _sent_secret(call)
    if rechecked:
        callers: CallerCache = app.extensions["callers"]
        return callers.authenticate(secret)
    return authenticate_token(secret)


def _sent_secret(call: Call) -> str:
    header: str = call.environ.get("HTTP_AUTHORIZATION", "")
    if header.startswith("Bearer "):  # As nearly everybody writes it; the parser knows the rest.
        return header[len("Bearer ") :].strip()
    if (given := call.authorization) is None:
        raise NotSignedInError("Send a token: Authorization: Bearer TOKEN.")
    return (given.token if given.type == "bearer" else given.password) or ""
