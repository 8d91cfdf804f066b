"""The words for what people and tokens may do. `app/access.py` says which role may do what."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is here for."""

    ANALYST = "analyst"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a caller may do; a role stands for a set of scopes, and a token carries some of them."""

    PREDICT = "predict"
    READ_OWN = "read:own"
    READ_ALL = "read:all"
    OUTCOME = "outcome"
    REVIEW = "review"
    AUDIT = "audit"
    ADMIN = "admin"
