"""Saved views: queries by name, each person's own or shared with everybody."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.access import Caller
from app.extensions import db
from app.identifiers import new_id
from app.models import SavedView
from app.services import search
from app.services.errors import UnknownThingError, invalid_query

_LONGEST_NAME = 80
_MOST = 100


def views_for(caller: Caller) -> Sequence[SavedView]:
    """Return the views that a caller may use, by name: their own, and those that others share."""
    usable = or_(SavedView.owner_id == caller.user_id, SavedView.shared)
    return db.session.scalars(
        select(SavedView).where(usable).order_by(func.lower(SavedView.name))
    ).all()


def save_view(caller: Caller, name: str, query: str, *, shared: bool) -> None:
    """Keep a query under a name; a view of the caller's with this name gives way.

    Raises:
        InvalidQueryError: if the query is none, or the name is empty or too long, or there are too many.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or "\x00" in name:
        raise invalid_query("name", f"Give the view a name of 1 to {_LONGEST_NAME} characters.")
    search.read_query(caller, query)
    others = (SavedView.owner_id == caller.user_id) & (SavedView.name != name)
    count = db.session.scalar(select(func.count()).select_from(SavedView).where(others)) or 0
    if count >= _MOST:
        raise invalid_query("name", f"You have {_MOST} views: delete one first.")
    row = {
        "id": new_id(),
        "owner_id": caller.user_id,
        "name": name,
        "query": query,
        "shared": shared,
    }
    new = {column: row[column] for column in ("name", "query", "shared")}
    saving = insert(SavedView).values(row)
    db.session.execute(saving.on_conflict_do_update(index_elements=["owner_id", "name"], set_=new))
    db.session.commit()


def delete_view(caller: Caller, identifier: UUID) -> str:
    """Delete a view of the caller's; return its name.

    Raises:
        UnknownThingError: if they have none of that identifier.
    """
    own = (SavedView.id == identifier) & (SavedView.owner_id == caller.user_id)
    name: str | None = db.session.scalar(delete(SavedView).where(own).returning(SavedView.name))
    if name is None:
        raise UnknownThingError("You have no such view.")
    db.session.commit()
    return name
