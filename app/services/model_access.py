"""Who may use which model: open and restricted ones, grants, and what a caller sees."""

from uuid import UUID

from sqlalchemy import select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ColumnElement

from app.access import ROLE_SCOPES, SEES_EVERYTHING, Caller
from app.extensions import db
from app.models import EventKind, Grant, Model, Role, Scope, User
from app.services.errors import ConflictError, UnknownThingError
from app.services.events import record_event
from app.services.registry import get_model


def set_restricted(name: str, restricted: bool, *, actor_id: UUID | None = None) -> None:
    """Close a model to all but its owner and those it is granted to, or open it to every analyst.

    Raises:
        UnknownThingError: if there is no such model.
    """
    model = get_model(name)
    model.restricted = restricted
    db.session.flush()
    kind = EventKind.MODEL_RESTRICTED if restricted else EventKind.MODEL_OPENED
    record_event(kind, actor_id=actor_id, subject_id=model.id)


def grant_model(name: str, user: User, *, actor_id: UUID | None = None) -> None:
    """Let an analyst use a restricted model.

    Raises:
        UnknownThingError: if there is no such model.
        ConflictError: if the person is no analyst: auditors and admins see every model anyway.
    """
    if user.role != Role.ANALYST:
        raise ConflictError(f"{user.email} is {user.role}: grants are for analysts.")
    model = get_model(name)
    db.session.execute(
        insert(Grant).values(model_id=model.id, user_id=user.id).on_conflict_do_nothing()
    )
    record_event(
        EventKind.GRANT_GIVEN, actor_id=actor_id, subject_id=model.id, user_id=str(user.id)
    )


def revoke_grant(name: str, user: User, *, actor_id: UUID | None = None) -> None:
    """Take a grant back.

    Raises:
        UnknownThingError: if there is no such model or grant.
    """
    model = get_model(name)
    if (grant := db.session.get(Grant, (model.id, user.id))) is None:
        raise UnknownThingError(f"{name} is not granted to {user.email}.")
    db.session.delete(grant)
    db.session.flush()
    record_event(
        EventKind.GRANT_TAKEN, actor_id=actor_id, subject_id=model.id, user_id=str(user.id)
    )


def visible_models(caller: Caller) -> list[Model]:
    """Return the models that a caller may see, by title."""
    query = select(Model).where(is_usable(caller)).order_by(Model.title, Model.name)
    return list(db.session.scalars(query))


def is_usable(caller: Caller) -> ColumnElement[bool]:
    """Return the condition that a caller may use a model and see its records."""
    if caller.sees_everything:
        return true()
    granted = select(Grant.model_id).where(Grant.user_id == caller.user_id)
    return ~Model.restricted | (Model.owner_id == caller.user_id) | Model.id.in_(granted)


def users_of(model: Model, scope: Scope) -> list[User]:
    """Return the people who may use a model and whose role has a scope, by address."""
    able = [str(role) for role in Role if scope in ROLE_SCOPES[role]]
    everything = [str(role) for role in SEES_EVERYTHING]
    granted = select(Grant.user_id).where(Grant.model_id == model.id)
    query = select(User).where(User.active, User.role.in_(able))
    if model.restricted:
        mine = (User.id == model.owner_id) | User.id.in_(granted)
        query = query.where(User.role.in_(everything) | mine)
    return list(db.session.scalars(query.order_by(User.email)))


def visible_model(caller: Caller, name: str) -> Model:
    """Return a model that a caller may see.

    Raises:
        UnknownThingError: if there is none, or it is not theirs to see: the two look alike.
    """
    query = select(Model).where(Model.name == name, is_usable(caller))
    if "\x00" in name or (model := db.session.scalar(query)) is None:
        raise UnknownThingError(f"There is no model {name} that you may use.")
    return model
