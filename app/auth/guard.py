"""The guard: before each request it finds out who is calling and whether the route is theirs."""

from uuid import UUID

from flask import Flask, current_app, g, request, session
from flask_login import current_user

from app.access import ROLE_SCOPES, Caller, public, requirement_of
from app.errors import for_programs
from app.models import Role
from app.services.errors import NotAllowedError, NotSignedInError
from app.services.sessions import is_ended
from app.services.tokens import authenticate_token

#: Where the session keeps its own identifier.
SESSION_ID = "session_id"


def init_app(app: Flask) -> None:
    """Put the guard before every route. Assets are for everybody."""
    public(app.view_functions["static"])
    app.before_request(check_access)


def check_access() -> None:
    """Let the request through, or refuse it; `g.caller` is then who is calling.

    Raises:
        NotSignedInError: if the route needs a caller and there is none.
        NotAllowedError: if the route declares no requirement, or one that the caller does not meet.
    """
    if request.endpoint is None:
        return  # No route matched: 404 and 405 are answered later.
    requirement = requirement_of(current_app.view_functions[request.endpoint])
    if requirement is None:
        raise NotAllowedError("This route declares no access.")
    if requirement.public:
        g.caller = None if for_programs() or request.endpoint == "static" else _person()
        return
    g.caller = caller = _program() if for_programs() else _person()
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


def _program() -> Caller:
    """Programs send a token, never a cookie: so no other site can make a browser call the API."""
    given = request.authorization
    if given is None:
        raise NotSignedInError("Send a token: Authorization: Bearer TOKEN.")
    secret = given.token if given.type == "bearer" else given.password
    return authenticate_token(secret or "")
