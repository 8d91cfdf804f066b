"""The forms of signing in and of the account."""

from typing import Any
from uuid import UUID

from flask_security.forms import ChangePasswordForm, LoginForm
from flask_wtf import FlaskForm
from wtforms import Field, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.access import ROLE_SCOPES, Caller
from app.extensions import db
from app.models import EventKind, Scope
from app.services.events import record_event

_LIFETIMES = [
    SelectChoice("30d", "30 days"),
    SelectChoice("90d", "90 days"),
    SelectChoice("1y", "One year"),
    SelectChoice("", "No end"),
]
_MEANING = {
    Scope.PREDICT: "ask for predictions",
    Scope.READ_OWN: "read your own records",
    Scope.READ_ALL: "read all records that you may see",
    Scope.OUTCOME: "report outcomes",
    Scope.REVIEW: "review",
    Scope.AUDIT: "audit",
    Scope.ADMIN: "administer",
}


class SignInForm(LoginForm):
    """Address and password. A wrong password for a known address is an event."""

    def validate(self, **kwargs: Any) -> bool:
        """Check the form; what is wrong with it is told apart by nobody outside."""
        if super().validate(**kwargs):
            return True
        if self.user is not None:
            record_event(
                EventKind.SIGN_IN_FAILED, actor_id=None, subject_id=UUID(str(self.user.id))
            )
            db.session.commit()
        return False


class PasswordForm(ChangePasswordForm):
    """The old password and a new one, twice."""


class TokenForm(FlaskForm):
    """Name, scopes and lifetime of a new token."""

    name = StringField("Name", validators=[DataRequired("Give the token a name."), Length(max=100)])
    scopes = SelectMultipleField(
        "It may",
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    expires = SelectField("It ends after", choices=_LIFETIMES, default="90d")

    def validate_scopes(self, field: Field) -> None:
        """Want one scope at least. A validator on the field would make browsers want every box."""
        if not field.data:
            raise ValidationError("Choose at least one.")

    def offer_scopes_of(self, caller: Caller) -> "TokenForm":
        """Offer the scopes of the person's role."""
        scopes = [scope for scope in Scope if scope in ROLE_SCOPES[caller.role]]
        self.scopes.choices = [SelectChoice(str(scope), _MEANING[scope]) for scope in scopes]
        return self
