"""Forms of the administrator's page."""

from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, Length

from app.services.erasure import LONGEST_REASON

_WHAT = "Give the identifier of a record, or a subject's reference."
_LONGEST_REFERENCE = 200


class _WhatForm(FlaskForm):
    """A record or a person, whichever is given."""

    what = StringField(
        "Record or subject", validators=[DataRequired(_WHAT), Length(max=_LONGEST_REFERENCE)]
    )

    @property
    def record_id(self) -> UUID | None:
        """The identifier of a record, if one is given."""
        try:
            return UUID((self.what.data or "").strip())
        except ValueError:
            return None

    @property
    def subject(self) -> str:
        """The reference of a subject, if it is none of a record."""
        return (self.what.data or "").strip()


class ErasureForm(_WhatForm):
    """What to erase, and why."""

    basis = StringField("Basis", validators=[DataRequired("Say why."), Length(max=LONGEST_REASON)])
    sure = BooleanField(
        "There is no way back: erase it",
        validators=[DataRequired("Tick this to erase it: there is no way back.")],
    )


class HoldForm(_WhatForm):
    """What to keep, and why."""

    reason = StringField(
        "Reason", validators=[DataRequired("Say why."), Length(max=LONGEST_REASON)]
    )
