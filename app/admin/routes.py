"""The administrator's page: erasure, legal holds, retention, and what was done to the book."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Blueprint, current_app, flash, g, redirect, render_template, url_for
from flask_security import auth_required
from werkzeug.wrappers import Response

from app import access
from app.admin.forms import ErasureForm, HoldForm
from app.extensions import db
from app.models import Scope
from app.services import erasure, proofs, retention, users
from app.services.errors import HeldError, UnknownThingError

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
Page = str | tuple[str, int] | Response


def _fresh_minutes() -> timedelta:
    return timedelta(minutes=current_app.extensions["settings"].fresh_minutes)


@blueprint.get("")
@access.requires(Scope.ADMIN)
@auth_required("session", within=_fresh_minutes)
def show() -> Page:
    """Show holds, months, and what was done. Needs a password entered not long ago, for it erases."""
    return _page()


@blueprint.post("/erasures")
@access.requires(Scope.ADMIN)
@auth_required("session", within=_fresh_minutes)
def erase() -> Page:
    """Erase a record, or every record of a subject."""
    form = ErasureForm(prefix="erase-")
    if not form.validate():
        return _page(erasing=form), 422
    given = {"basis": form.basis.data or "", "actor_id": g.caller.user_id}
    try:
        if form.record_id:
            count = len([erasure.erase_prediction(form.record_id, **given)])
        else:
            count = len(erasure.erase_subject(form.subject or "", **given))
    except (UnknownThingError, HeldError) as error:
        db.session.rollback()
        form.what.errors = [error.detail]
        return _page(erasing=form), 422
    db.session.commit()
    flash(f"{count} {'record is' if count == 1 else 'records are'} erased.", "success")
    return redirect(url_for("admin.show"))


@blueprint.post("/holds")
@access.requires(Scope.ADMIN)
@auth_required("session", within=_fresh_minutes)
def hold() -> Page:
    """Keep a record, or every record of a subject, from being erased."""
    form = HoldForm(prefix="hold-")
    if not form.validate():
        return _page(holding=form), 422
    try:
        erasure.place_hold(
            prediction_id=form.record_id,
            subject=form.subject,
            reason=form.reason.data or "",
            actor_id=g.caller.user_id,
        )
    except UnknownThingError as error:
        db.session.rollback()
        form.what.errors = [error.detail]
        return _page(holding=form), 422
    db.session.commit()
    flash("The hold is in force.", "success")
    return redirect(url_for("admin.show"))


@blueprint.post("/holds/<uuid:identifier>/lift")
@access.requires(Scope.ADMIN)
@auth_required("session", within=_fresh_minutes)
def lift(identifier: UUID) -> Response:
    """End a hold."""
    erasure.lift_hold(identifier, actor_id=g.caller.user_id)
    db.session.commit()
    flash("The hold is lifted.", "success")
    return redirect(url_for("admin.show"))


def _page(erasing: ErasureForm | None = None, holding: HoldForm | None = None) -> str:
    notices = erasure.newest_notices()
    return render_template(
        "admin/admin.html",
        erasing=erasing or ErasureForm(formdata=None, prefix="erase-"),
        holding=holding or HoldForm(formdata=None, prefix="hold-"),
        holds=erasure.holds(),
        notices=notices,
        leaves=proofs.leaves_of([notice.id for notice in notices]),
        people=users.addresses([n.actor_id for n in notices if n.actor_id]),
        months=retention.months_to_drop(-1, datetime.now(UTC)),
    )
