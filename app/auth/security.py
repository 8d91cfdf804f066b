"""Flask-Security, set up: passwords, sessions, freshness, and what of it is an event."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask, Request, redirect, request, session, url_for
from flask_login import user_logged_out
from flask_security import RoleMixin, Security, SQLAlchemyUserDatastore
from flask_security.password_util import PasswordUtil
from flask_security.signals import password_changed, user_authenticated
from flask_security.views import change_password, login, verify
from werkzeug.wrappers import Response

from app import access
from app.auth.forms import PasswordAgainForm, PasswordForm, SignInForm
from app.auth.guard import SESSION_ID
from app.extensions import db
from app.identifiers import new_id
from app.limits import limit_sign_in
from app.models import EventKind, User
from app.services.events import record_event
from app.services.passwords import SHORTEST, refused_because
from app.services.sessions import end_session
from config import Settings

_sign_in = limit_sign_in(login)
_verify = limit_sign_in(verify)
_change_password = limit_sign_in(change_password)


def init_app(app: Flask, settings: Settings) -> None:
    """Set Flask-Security up and declare who may call its routes."""
    app.config.from_mapping(_configuration(settings))
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, User, RoleMixin),
        login_form=SignInForm,
        verify_form=PasswordAgainForm,
        change_password_form=PasswordForm,
        password_util_cls=_Passwords,
    )
    security.unauthn_handler(_to_sign_in)
    security.want_json(lambda _: False)  # These are pages; programs use tokens.
    # Flask-Security looks for tokens of its own in the body of every request; ours are the guard's.
    app.login_manager.request_loader(_nobody)  # type: ignore[attr-defined]
    views = app.view_functions
    views["security.login"], views["security.verify"] = _sign_in, _verify
    views["security.change_password"] = _change_password
    access.public(views["security.login"])
    access.signed_in(views["security.logout"])
    access.signed_in(views["security.verify"])
    access.signed_in(views["security.change_password"])
    user_authenticated.connect(_signed_in, app)
    user_logged_out.connect(_signed_out, app)
    password_changed.connect(_password_changed, app)


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        # argon2 salts each password itself; a second salt would tie all of them to one secret.
        "SECURITY_PASSWORD_SINGLE_HASH": {"argon2"},
        "SECURITY_PASSWORD_LENGTH_MIN": SHORTEST,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_CLI_USERS_NAME": None,
        "SECURITY_CLI_ROLES_NAME": None,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_CHANGE_URL": "/account/password",
        "SECURITY_POST_CHANGE_VIEW": "/account",
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,
        "SECURITY_FRESHNESS": timedelta(minutes=settings.fresh_minutes),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(0),
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"test_environment": True},
        "SECURITY_MSG_GENERIC_AUTHN_FAILED": (
            "Address or password is wrong.",
            "error",
        ),
        "SECURITY_MSG_INVALID_PASSWORD": ("The password is wrong.", "error"),
        "SECURITY_MSG_REAUTHENTICATION_REQUIRED": (
            "Enter your password again, to be sure that it is you.",
            "info",
        ),
    }


class _Passwords(PasswordUtil):
    def validate(
        self,
        password: str,
        is_register: bool,  # noqa: ARG002 (the base class names it)
        **given: Any,
    ) -> tuple[list[str] | None, str]:
        plain = self.normalize(password)
        reason = refused_because(plain, given["user"].email)
        return ([reason] if reason else None), plain


def _nobody(_: Request) -> None:
    """No one signs in by anything but the session."""


def _to_sign_in(*_: Any, **__: Any) -> Response:
    return redirect(url_for("security.login", next=request.path))


# Flask-Security commits after its views, and so the event together with its fact.
def _signed_in(_: Flask, user: User, **__: Any) -> None:
    session.permanent = True  # It lasts as long as the settings say, not as long as the browser.
    session[SESSION_ID] = str(new_id())
    record_event(EventKind.SIGNED_IN, actor_id=user.id, subject_id=user.id)


def _signed_out(_: Flask, user: User, **__: Any) -> None:
    if identifier := session.pop(SESSION_ID, None):
        end_session(UUID(identifier))
    record_event(EventKind.SIGNED_OUT, actor_id=user.id, subject_id=user.id)
    db.session.commit()


def _password_changed(_: Flask, user: User, **__: Any) -> None:
    record_event(EventKind.PASSWORD_CHANGED, actor_id=user.id, subject_id=user.id)
