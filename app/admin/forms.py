"""Forms of the administrator's page."""

from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError

from app.services.erasure import LONGEST_REASON

_RECORD, _SUBJECT = "record", "subject"
_LONGEST_REFERENCE = 200


def _printable(_: FlaskForm, field: StringField) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError("Write printable characters.")


class _WhatForm(FlaskForm):
    """A record or a person. References look like anything, identifiers too: so it is said which."""

    of = SelectField(
        "Of",
        choices=[
            SelectChoice(_SUBJECT, "a person, by the reference"),
            SelectChoice(_RECORD, "a record, by its identifier"),
        ],
    )
    what = StringField(
        "Reference or identifier",
        validators=[
            DataRequired("Give a reference or an identifier."),
            Length(max=_LONGEST_REFERENCE),
            _printable,
        ],
    )

    def validate_what(self, what: StringField) -> None:
        """Refuse what is no identifier, where one is needed."""
        if self.of.data != _RECORD:
            return
        try:
            UUID((what.data or "").strip())
        except ValueError:
            raise ValidationError("This is no identifier of a record.") from None

    @property
    def record_id(self) -> UUID | None:
        """The identifier of the record, if it is of a record."""
        return UUID((self.what.data or "").strip()) if self.of.data == _RECORD else None

    @property
    def subject(self) -> str | None:
        """The person's reference, if it is of a person."""
        return (self.what.data or "").strip() if self.of.data == _SUBJECT else None


class ErasureForm(_WhatForm):
    """What to erase, and why."""

    basis = StringField(
        "Basis", validators=[DataRequired("Say why."), Length(max=LONGEST_REASON), _printable]
    )
    sure = BooleanField(
        "There is no way back: erase it",
        validators=[DataRequired("Tick this to erase it: there is no way back.")],
    )


class HoldForm(_WhatForm):
    """What to keep, and why."""

    reason = StringField(
        "Reason", validators=[DataRequired("Say why."), Length(max=LONGEST_REASON), _printable]
    )
