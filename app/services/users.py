"""People: made, disabled, enabled, and their passwords."""

import secrets
import unicodedata
from collections.abc import Collection
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.identifiers import new_id
from app.models import EventKind, Role, User
from app.services.errors import (
    ConflictError,
    InvalidInputsError,
    UnknownThingError,
    invalid_input,
)
from app.services.events import record_event
from app.services.passwords import normalised, refused_because


def create_user(email: str, role: Role, password: str, *, actor_id: UUID | None = None) -> User:
    """Add a person.

    Raises:
        InvalidInputsError: if the address is none, or the password is too easy to guess.
        ConflictError: if there is a person with this address.
    """
    address, password = _normalised(email), normalised(password)
    _check_password(password, address)
    user = User(
        id=new_id(),
        email=address,
        password=hash_password(password),
        role=role,
        active=True,
        fs_uniquifier=secrets.token_hex(32),
    )
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError:  # Somebody else was faster.
        raise ConflictError(f"There is a user {address} already.") from None
    record_event(EventKind.USER_CREATED, actor_id=actor_id, subject_id=user.id, role=str(role))
    return user


def find_user(email: str) -> User:
    """Return the person with an address.

    Raises:
        UnknownThingError: if there is none.
    """
    if (user := _find(email)) is None:
        raise UnknownThingError(f"There is no user {email}.")
    return user


def list_users() -> list[User]:
    """Return everybody, by address."""
    return list(db.session.scalars(select(User).order_by(User.email)))


def set_active(user: User, active: bool, *, actor_id: UUID | None = None) -> None:
    """Enable or disable a person. Disabling ends sessions and stops tokens at once."""
    user.active = active
    if not active:
        end_sessions(user)
    db.session.flush()
    kind = EventKind.USER_ENABLED if active else EventKind.USER_DISABLED
    record_event(kind, actor_id=actor_id, subject_id=user.id)


def set_password(user: User, password: str, *, actor_id: UUID | None = None) -> None:
    """Give a person a new password and end their sessions everywhere.

    Raises:
        InvalidInputsError: if the password is too easy to guess.
    """
    password = normalised(password)
    _check_password(password, user.email)
    user.password = hash_password(password)
    end_sessions(user)
    db.session.flush()
    record_event(EventKind.PASSWORD_CHANGED, actor_id=actor_id, subject_id=user.id)


def end_sessions(user: User) -> None:
    """End all sessions of a person, on every device."""
    user.fs_uniquifier = secrets.token_hex(32)


def _find(email: str) -> User | None:
    return db.session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))


def account_name(typed: str) -> str:
    """Return the one spelling of what may be an address: many spellings sign in to one account."""
    try:
        return _normalised(typed)
    except InvalidInputsError:
        return unicodedata.normalize("NFKC", typed).strip().casefold()


def _normalised(email: str) -> str:
    try:
        # Addresses of test and intranet domains are good names for people, too.
        found = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise invalid_input("email", f"{email!r} is no email address: {error}") from None
    return found.normalized.lower()


def _check_password(password: str, email: str) -> None:
    if reason := refused_because(password, email):
        raise invalid_input("password", reason)


def addresses(user_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the email addresses of people, by their identifiers."""
    rows = db.session.execute(select(User.id, User.email).where(User.id.in_(user_ids)))
    return {row.id: row.email for row in rows}
