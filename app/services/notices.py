"""Notices: written in the same transaction as what they tell of, and sealed like everything else."""

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.extensions import db
from app.identifiers import new_id
from app.ledger.commitment import SALT_BYTES, commit
from app.models import Notice, NoticeKind


def record_notice(
    kind: NoticeKind, *, actor_id: UUID | None, basis: str | None = None, **what: Any
) -> Notice:
    """Add a notice.

    Args:
        kind: what was done to the book.
        actor_id: by whom; None for the operator at the command line.
        basis: why, in words. It is a part of its own, with a salt, for it may hold personal data.
        what: JSON values without personal data.
    """
    notice = Notice(id=new_id(), at=datetime.now(UTC), kind=kind, actor_id=actor_id, what=what)
    if basis is not None:
        notice.basis, notice.basis_salt = basis, secrets.token_bytes(SALT_BYTES)
        notice.basis_commitment = commit("basis", basis.encode(), notice.basis_salt)
    db.session.add(notice)
    db.session.flush()
    return notice
