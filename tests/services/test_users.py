"""People: made, disabled, their passwords."""

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Event, EventKind, Role
from app.services import users
from app.services.errors import ConflictError, InvalidInputsError, UnknownThingError
from tests.support.cast import PASSWORD


def last_event():
    return db.session.scalars(select(Event).order_by(Event.id.desc())).first()


def test_a_person_is_added_with_a_hash_of_argon2id(context):
    user = users.create_user("New@Example.com", Role.ANALYST, PASSWORD)
    assert user.email == "new@example.com"
    assert user.password.startswith("$argon2id$")
    assert (last_event().kind, last_event().subject_id) == (EventKind.USER_CREATED, user.id)


def test_an_address_belongs_to_one_person_however_it_is_written(context):
    with pytest.raises(ConflictError):
        users.create_user("OWNER@example.com", Role.ANALYST, PASSWORD)


@pytest.mark.parametrize("address", ["", "ana", "ana@", "@example.com", "a b@example.com"])
def test_what_is_no_address_is_refused(context, address):
    with pytest.raises(InvalidInputsError):
        users.create_user(address, Role.ANALYST, PASSWORD)


def test_a_common_password_is_refused(context):
    with pytest.raises(InvalidInputsError, match="attacker"):
        users.create_user("new@example.com", Role.ANALYST, "password1234")


def test_disabling_ends_sessions_and_is_an_event(context):
    user = users.find_user("owner@example.com")
    before = user.fs_uniquifier
    users.set_active(user, False)
    assert user.fs_uniquifier != before
    assert last_event().kind == EventKind.USER_DISABLED
    users.set_active(user, True)
    assert last_event().kind == EventKind.USER_ENABLED


def test_a_new_password_ends_sessions(context):
    user = users.find_user("owner@example.com")
    before = (user.fs_uniquifier, user.password)
    users.set_password(user, "another long passphrase")
    assert user.fs_uniquifier != before[0]
    assert user.password != before[1]


def test_an_unknown_person_is_not_found(context):
    with pytest.raises(UnknownThingError):
        users.find_user("nobody@example.com")


def test_everybody_is_listed(context):
    assert [u.email.split("@")[0] for u in users.list_users()] == [
        "admin", "auditor", "colleague", "owner", "stranger",
    ]  # fmt: skip
