"""The account page: who you are, your tokens."""

from datetime import timedelta
from uuid import UUID

from flask import Blueprint, current_app, flash, g, redirect, render_template, url_for
from flask_security import auth_required
from werkzeug.wrappers import Response

from app import access
from app.auth.forms import TokenForm
from app.extensions import db
from app.models import User
from app.services.errors import InvalidInputsError
from app.services.tokens import create_token, list_tokens, parse_duration, revoke_token

blueprint = Blueprint("account", __name__, url_prefix="/account")


def _fresh_minutes() -> timedelta:
    return timedelta(minutes=current_app.extensions["settings"].fresh_minutes)


@blueprint.get("")
@access.signed_in
def show() -> str:
    """Show the account and its tokens."""
    return _page(TokenForm().offer_scopes_of(g.caller))


@blueprint.route("/tokens", methods=["GET", "POST"])
@access.signed_in
@auth_required("session", within=_fresh_minutes)
def new_token() -> str | tuple[str, int]:
    """Make a token and show its secret, this once. Needs a password entered not long ago."""
    form = TokenForm().offer_scopes_of(g.caller)
    if not form.validate_on_submit():
        return (_page(form), 422) if form.is_submitted() else _page(form)
    user = db.session.get_one(User, g.caller.user_id)
    lasts = parse_duration(form.expires.data) if form.expires.data else None
    try:
        token, secret = create_token(
            user, form.name.data or "", form.scopes.data or [], lasts=lasts, actor_id=user.id
        )
    except InvalidInputsError as error:
        form.name.errors = [error.detail]
        return _page(form), 422
    db.session.commit()
    return render_template("account/token.html", token=token, secret=secret)


@blueprint.post("/tokens/<uuid:identifier>/revoke")
@access.signed_in
def revoke(identifier: UUID) -> Response:
    """Revoke one of the person's tokens."""
    token = revoke_token(identifier, user_id=g.caller.user_id, actor_id=g.caller.user_id)
    db.session.commit()
    flash(f"The token “{token.name}” is revoked.", "success")
    return redirect(url_for("account.show"))


def _page(form: TokenForm) -> str:
    return render_template(
        "account/account.html", form=form, tokens=list_tokens(g.caller.user_id), caller=g.caller
    )
