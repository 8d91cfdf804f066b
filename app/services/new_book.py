"""A new book after a real loss: another name, another key, and first of all a leaf that tells of the loss."""

import re
from uuid import UUID

from sqlalchemy import func, select

from app.extensions import db
from app.ledger.keys import PublicKey
from app.models import LedgerHead, NoticeKind
from app.sealer.signing import KeyStore, SigningKey
from app.services.errors import ConflictError
from app.services.notices import record_notice


def begin_new_book(
    store: KeyStore, *, basis: str, name: str | None, actor_id: UUID | None
) -> PublicKey:
    """Put the tree away and let every record wait to be sealed in a new one; return its public key.

    Proofs and checkpoints of the old book still verify, with its key: export it before.

    Args:
        store: keeps the new key.
        basis: what was lost, and why.
        name: of the new book; the old one with the next number if not given.
        actor_id: by whom; None for the operator at the command line.

    Raises:
        ConflictError: if there is no old book, or the new one has its name.
        FormatError: if the name is empty, or has a space or a plus sign.
        SigningKeyError: if the keys come from the settings.
    """
    head = db.session.get_one(LedgerHead, 1, with_for_update=True)
    if head.origin is None:
        raise ConflictError("Nothing is sealed yet, so nothing is lost.")
    if (new_name := name or _next_name(head.origin)) == head.origin:
        raise ConflictError(f"The book that is lost has the name {new_name}.")
    key = SigningKey.generate(new_name)
    store.add(key)
    record_notice(
        NoticeKind.LOSS, actor_id=actor_id, basis=basis, origin=head.origin, size=head.size, root=head.root.hex()
    )  # fmt: skip
    db.session.execute(select(func.begin_new_book()))
    db.session.expire_all()
    return key.public


def _next_name(origin: str) -> str:
    """Return `…/log/2` after `…/log/1`."""
    found = re.fullmatch(r"(.*/)(\d{1,9})", origin)
    return f"{found[1]}{int(found[2]) + 1}" if found else f"{origin}/2"
