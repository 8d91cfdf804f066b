"""A new book after a real loss: another name, another key, and first of all a leaf that tells of the loss."""

import re
from uuid import UUID

from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from app.database.transactions import unhurried
from app.extensions import db
from app.ledger.keys import PublicKey
from app.models import LedgerHead, NoticeKind
from app.sealer.signing import KeyStore, SigningKey
from app.services.errors import ConflictError
from app.services.notices import record_notice


def begin_new_book(
    store: KeyStore, *, exported: int, basis: str, name: str | None, actor_id: UUID | None
) -> PublicKey:
    """Put the tree away and let every record wait to be sealed in a new one; return its public key.

    Proofs and checkpoints of the old book still verify, with its key: export it before. The database's
    owner does this, and nobody else can.

    Args:
        store: keeps the new key, also if the rest fails: then it is only not used.
        exported: the size of the old book as it was exported.
        basis: what was lost, and why.
        name: of the new book; the old one with the next number if not given.
        actor_id: by whom; None for the operator at the command line.

    Raises:
        ConflictError: if there is no old book, it has grown since it was exported, the new one has its
            name, or the login is not the database's owner.
        FormatError: if the name is empty, or has a space or a plus sign.
        SigningKeyError: if the keys come from the settings.
    """
    head = db.session.get_one(LedgerHead, 1, with_for_update=True)
    if head.origin is None:
        raise ConflictError("Nothing is sealed yet, so nothing is lost.")
    if head.size != exported:
        raise ConflictError(
            "The book has grown since it was exported. Stop the service, and try again."
        )
    if (new_name := name or _next_name(head.origin)) == head.origin:
        raise ConflictError(f"The book that is lost has the name {new_name}.")
    key = SigningKey.generate(new_name)
    store.add(key)
    record_notice(
        NoticeKind.LOSS, actor_id=actor_id, basis=basis, origin=head.origin, size=head.size, root=head.root.hex()
    )  # fmt: skip
    _put_the_tree_away()
    db.session.expire_all()
    return key.public


def _put_the_tree_away() -> None:
    """As the login itself, not as the service: its role may not."""
    try:
        with unhurried(db.session):
            db.session.execute(text("SET LOCAL ROLE NONE"))
            db.session.execute(select(func.begin_new_book()))
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise ConflictError(
            "Only the owner of the database may do this: run it with the DATABASE_URL of manage.py db upgrade."
        ) from None


def _next_name(origin: str) -> str:
    """Return `…/log/2` after `…/log/1`."""
    found = re.fullmatch(r"(.*/)(\d{1,9})", origin)
    return f"{found[1]}{int(found[2]) + 1}" if found else f"{origin}/2"
