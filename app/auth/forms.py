"""The forms of signing in and of the account."""

from typing import Any

from flask_login import current_user
from flask_security.forms import ChangePasswordForm, LoginForm, VerifyForm
from flask_wtf import FlaskForm
from wtforms import Field, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.access import ROLE_SCOPES, Caller
from app.extensions import db
from app.models import EventKind, Scope
from app.services.events import record_event
from app.services.passwords import LONGEST

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


class _PasswordTried:
    """A form with a person's password. One that is wrong is an event; one too long is not even tried."""

    password: Any
    user: Any

    def validate(self, **kwargs: Any) -> bool:
        """Check the form; what is wrong with it is told apart by nobody outside."""
        too_long = len(self.password.data or "") > LONGEST
        if too_long:
            self.password.data = ""
        if super().validate(**kwargs) and not too_long:  # type: ignore[misc]
            return True
        # Also for unknown people: an event that only known ones cause could be told by its time.
        if self.password.errors or self.user is None:
            person = None if self.user is None else self.user.id
            record_event(EventKind.SIGN_IN_FAILED, actor_id=None, subject_id=person)
            db.session.commit()
        return False


class SignInForm(_PasswordTried, LoginForm):
    """Address and password. Sessions last as the settings say: nobody is remembered for longer."""

    remember = None


class PasswordAgainForm(_PasswordTried, VerifyForm):
    """The password once more, before a sensitive act."""


class PasswordForm(_PasswordTried, ChangePasswordForm):
    """The old password and a new one, twice."""

    @property
    def user(self) -> Any:
        """Whose password it is."""
        return current_user


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
