"""Changing the key that signs checkpoints: a leaf that the old and the new one have signed."""

from uuid import UUID

from sqlalchemy import select

from app.extensions import db
from app.ledger.keys import PublicKey
from app.ledger.strict_text import encode_base64
from app.models import LedgerHead, Notice, NoticeKind
from app.sealer.signing import KeyStore, SigningKey
from app.services.errors import ConflictError
from app.services.notices import record_notice

_STATEMENT = "daybook-key-change-v1\n{old}\n{new}\n"


def change_key(store: KeyStore, *, actor_id: UUID | None) -> PublicKey:
    """Let another key sign from the next checkpoint on; return its public half.

    That is the newest key here, if it does not sign yet, and else a new one, which is kept first: should
    the rest fail, it is only not used.

    Raises:
        ConflictError: if nothing is sealed yet, or a change waits to be sealed.
        SigningKeyError: if the key that signs now is not here.
    """
    head = db.session.get_one(LedgerHead, 1, with_for_update=True)
    if head.key is None or head.origin is None:
        raise ConflictError("Nothing is sealed yet, so there is no key to change.")
    if _change_waits(head.key):
        raise ConflictError("A change of keys waits to be sealed.")
    old = store.find(PublicKey.from_text(head.key))
    new = store.newest()
    if new.public == old.public or new.name != head.origin:
        new = SigningKey.generate(head.origin)
        store.add(new)
    statement = _STATEMENT.format(old=old.public.to_text(), new=new.public.to_text())
    signatures = {"old": old.sign(statement), "new": new.sign(statement)}
    record_notice(
        NoticeKind.KEY_CHANGE,
        actor_id=actor_id,
        old=old.public.to_text(),
        new=new.public.to_text(),
        signatures={name: encode_base64(one.signature) for name, one in signatures.items()},
    )
    return new.public


def _change_waits(key: str) -> bool:
    query = select(Notice.id).where(
        Notice.kind == NoticeKind.KEY_CHANGE, Notice.what["old"].as_string() == key
    )
    return db.session.scalar(query.limit(1)) is not None
