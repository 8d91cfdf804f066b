"""Tokens: made, checked, revoked. A token looks like `dbk_<32 base62 characters><6 of CRC32>`."""

import hashlib
import re
import secrets
import time
import zlib
from collections import OrderedDict
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text, update

from app.access import ROLE_SCOPES, Caller
from app.extensions import db
from app.identifiers import new_id
from app.models import EventKind, Role, Scope, Token, User
from app.services.errors import NotSignedInError, UnknownThingError, invalid_input
from app.services.events import record_event

FRESH_SECONDS = 1.0
_MOST_KNOWN = 10_000
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"dbk_[0-9A-Za-z]{38}")
_RANDOM, _CHECK, _HINT = 32, 6, 8
_USE_NOTED_EVERY = timedelta(minutes=1)
_DURATION = re.compile(r"(\d{1,5})([hdwy])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1),
          "y": timedelta(days=365)}  # fmt: skip


def create_token(
    user: User,
    name: str,
    scopes: Collection[str],
    *,
    lasts: timedelta | None = None,
    actor_id: UUID | None = None,
) -> tuple[Token, str]:
    """Make a token for a person.

    Returns:
        The stored token and its secret, which exists nowhere else and cannot be shown again.

    Raises:
        InvalidInputsError: if the name is empty, or a scope is not one of the person's role.
    """
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise invalid_input("name", "Give the token a name of 1 to 100 printable characters.")
    secret = _new_secret()
    token = Token(
        id=new_id(),
        user_id=user.id,
        name=name,
        hint=secret[:_HINT],
        sha256=_digest(secret),
        scopes=_allowed_scopes(user, scopes),
        expires_at=datetime.now(UTC) + lasts if lasts else None,
    )
    db.session.add(token)
    db.session.flush()
    record_event(
        EventKind.TOKEN_CREATED, actor_id=actor_id, subject_id=token.id, scopes=token.scopes
    )
    return token, secret


def authenticate_token(secret: str) -> Caller:
    """Return whose token this is and what it may do, as of now.

    Raises:
        NotSignedInError: if it is no token, unknown, expired or revoked, or its owner is disabled.
    """
    if not is_well_formed(secret):
        raise NotSignedInError("This is no token of this service; was it copied whole?")
    found = db.session.execute(
        select(Token, User)
        .join(User, User.id == Token.user_id)
        .where(Token.sha256 == _digest(secret))
    ).one_or_none()
    now = datetime.now(UTC)
    if found is None or found.Token.revoked_at or not found.User.active:
        raise NotSignedInError("This token is unknown or was revoked.")
    token, user = found
    if token.expires_at and token.expires_at <= now:
        raise NotSignedInError("This token has expired.")
    role = Role(user.role)
    caller = Caller(
        user_id=user.id,
        email=user.email,
        role=role,
        scopes=ROLE_SCOPES[role].intersection(token.scopes),
        token_id=token.id,
    )
    if token.last_used_at is None or token.last_used_at < now - _USE_NOTED_EVERY:
        _note_use(token.id, now)
    return caller


class CallerCache:
    """Callers by the digest of their token, for a moment: who records anything is checked once more then."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def authenticate(self, secret: str) -> Caller:
        """Return whose token this is, as of `FRESH_SECONDS` ago or later; see `authenticate_token`."""
        digest, now = _digest(secret), time.monotonic()
        read_at, caller = self._known.get(digest, (float("-inf"), None))
        if caller is None or now - read_at > FRESH_SECONDS:
            caller = authenticate_token(secret)
            self._known[digest] = (now, caller)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return caller

    def forget(self) -> None:
        """Forget everybody."""
        self._known.clear()


def list_tokens(user_id: UUID) -> list[Token]:
    """Return a person's tokens, the newest first."""
    return list(
        db.session.scalars(select(Token).where(Token.user_id == user_id).order_by(Token.id.desc()))
    )


def revoke_token(token_id: UUID, *, user_id: UUID | None, actor_id: UUID | None) -> Token:
    """Revoke a token from this moment on; revoking again changes nothing.

    Args:
        token_id: which.
        user_id: whose it must be, or None if it may be anybody's.
        actor_id: who does it.

    Raises:
        UnknownThingError: if there is no such token.
    """
    token = db.session.get(Token, token_id)
    if token is None or (user_id is not None and token.user_id != user_id):
        raise UnknownThingError("There is no such token.")
    if token.revoked_at is None:
        token.revoked_at = datetime.now(UTC)
        db.session.flush()
        record_event(EventKind.TOKEN_REVOKED, actor_id=actor_id, subject_id=token.id)
    return token


def parse_duration(text: str) -> timedelta:
    """Read a duration such as `12h`, `90d`, `4w` or `1y`.

    Raises:
        InvalidInputsError: if it is none.
    """
    if not (found := _DURATION.fullmatch(text.strip())) or not int(found[1]):
        raise invalid_input("expires", "Write a duration such as 12h, 90d, 4w or 1y.")
    return int(found[1]) * _UNITS[found[2]]


def is_well_formed(secret: str) -> bool:
    """Whether a text has the shape and the check digits of a token: a typing error has not."""
    return bool(_SHAPE.fullmatch(secret)) and secret[-_CHECK:] == _check_digits(secret[:-_CHECK])


def _new_secret() -> str:
    body = "dbk_" + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return body + _check_digits(body)


def _check_digits(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _allowed_scopes(user: User, scopes: Collection[str]) -> list[str]:
    allowed = ROLE_SCOPES[Role(user.role)]
    if not scopes:
        raise invalid_input("scopes", "Choose at least one scope.")
    if wrong := sorted(set(scopes) - set(map(str, allowed))):
        known = ", ".join(scope for scope in Scope if scope in allowed)
        raise invalid_input(
            "scopes", f"The role {user.role} has no {', '.join(wrong)}; it has {known}."
        )
    return [scope for scope in Scope if scope in set(scopes)]


def _note_use(token_id: UUID, now: datetime) -> None:
    """Note the last use, at most once a minute: a write for each request would cost too much.

    Of many requests at once one notes it, and none waits for the disk: it is no record.
    """
    stale = (Token.last_used_at < now - _USE_NOTED_EVERY) | Token.last_used_at.is_(None)
    db.session.execute(text("SET LOCAL synchronous_commit = off"))
    db.session.execute(update(Token).where(Token.id == token_id, stale).values(last_used_at=now))
    db.session.commit()
