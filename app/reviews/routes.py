"""Reviews of single records, queues, and the focus mode in which one is worked off."""

from math import isfinite
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import access
from app.models import Prediction, ReviewQueue, SamplingRule, Scope, Verdict
from app.services import history, model_access, queues, readings, users
from app.services.errors import ConflictError, InputFault, InvalidInputsError, InvalidQueryError
from app.services.reviewing import Draft, review_prediction
from app.services.sampling import Sample
from ml.signature import Signature
from ml.truth import read_written_truth

blueprint = Blueprint("reviews", __name__)
Form = MultiDict[str, str]


@blueprint.get("/predictions/<uuid:identifier>/reviews")
@access.requires(Scope.REVIEW)
def show_form(identifier: UUID) -> str:
    """Show the form of a review."""
    return _form(identifier)


@blueprint.post("/predictions/<uuid:identifier>/reviews")
@access.requires(Scope.REVIEW)
def review(identifier: UUID) -> Response | tuple[str, int]:
    """Record a review, and go back to the record; what does not fit is shown again."""
    try:
        review_prediction(g.caller, identifier, _draft(request.form), read=read_written_truth)
    except InvalidInputsError as error:
        return _form(identifier, error.errors[0]), 422
    flash("The review is recorded.", "success")
    return redirect(url_for("history.show_prediction", identifier=identifier), 303)


@blueprint.get("/reviews")
@access.requires(Scope.REVIEW, Scope.AUDIT)
def list_queues() -> str:
    """Show the queues that the caller may see."""
    return render_template("reviews/list.html", queues=queues.queues_for(g.caller))


@blueprint.get("/reviews/new")
@access.requires(Scope.REVIEW)
def show_queue_form() -> str:
    """Show the form of a new queue."""
    return _queue_form()


@blueprint.post("/reviews")
@access.requires(Scope.REVIEW)
def open_queue() -> Response | tuple[str, int]:
    """Make a queue and fill it; what does not fit is shown again."""
    form = request.form
    sample = Sample(
        rule=form.get("rule", ""), size=_whole(form.get("size", "")), field=form.get("field") or None,
        threshold=_number(form.get("threshold", "")),
    )  # fmt: skip
    try:
        queue = queues.open_queue(
            g.caller, form.get("name", ""), form.get("model", ""), form.get("q", ""), sample,
            people=_whole(form.get("people", "")), assigned=form.getlist("assigned"),
        )  # fmt: skip
    except InvalidQueryError as error:
        return _queue_form(error.errors[0]), 400
    return redirect(url_for("reviews.show_queue", queue_id=queue.id), 303)


@blueprint.get("/reviews/<uuid:queue_id>")
@access.requires(Scope.REVIEW, Scope.AUDIT)
def show_queue(queue_id: UUID) -> str:
    """Show how far a queue is, and how well those who reviewed agree."""
    queue = queues.get_queue(g.caller, queue_id)
    progress = queues.progress_of(g.caller, queue)
    model = model_access.visible_model(g.caller, progress.model)
    may_change = queues.decides(g.caller, queue) and queue.closed_at is None
    others = [one.email for one in model_access.users_of(model, Scope.REVIEW)] if may_change else []
    return render_template(
        "reviews/queue.html",
        progress=progress,
        seen=queues.comparable(g.caller, queue, progress.items),
        may_change=may_change and g.caller.may(Scope.REVIEW),
        others=[address for address in others if address not in progress.people],
    )


@blueprint.post("/reviews/<uuid:queue_id>/people")
@access.requires(Scope.REVIEW)
def assign(queue_id: UUID) -> Response:
    """Let somebody else review the items of a queue, too."""
    queues.assign(g.caller, queue_id, request.form.get("address", ""))
    return redirect(url_for("reviews.show_queue", queue_id=queue_id), 303)


@blueprint.post("/reviews/<uuid:queue_id>/close")
@access.requires(Scope.REVIEW)
def close_queue(queue_id: UUID) -> Response:
    """End a queue."""
    queues.close_queue(g.caller, queue_id)
    flash("The queue is closed.", "success")
    return redirect(url_for("reviews.show_queue", queue_id=queue_id), 303)


@blueprint.get("/reviews/<uuid:queue_id>/next")
@access.requires(Scope.REVIEW)
def go_to_next(queue_id: UUID) -> Response:
    """Go to the next item that the caller can do something about."""
    queue = queues.get_queue(g.caller, queue_id)
    item = queues.next_item(g.caller, queue, request.args.get("after", 0, type=int))
    if item is None:
        flash("There is nothing left for you to review here.", "success")
        return redirect(url_for("reviews.show_queue", queue_id=queue_id), 303)
    target = url_for("reviews.show_item", queue_id=queue_id, prediction_id=item.prediction_id)
    return redirect(target, 303)


@blueprint.get("/reviews/<uuid:queue_id>/items/<uuid:prediction_id>")
@access.requires(Scope.REVIEW)
def show_item(queue_id: UUID, prediction_id: UUID) -> str:
    """Show one item with the form of its review, and nothing that would lead the reviewer."""
    return _item(queues.get_queue(g.caller, queue_id), prediction_id)


@blueprint.post("/reviews/<uuid:queue_id>/items/<uuid:prediction_id>")
@access.requires(Scope.REVIEW)
def review_item(queue_id: UUID, prediction_id: UUID) -> Response | tuple[str, int]:
    """Record the review of an item, and go to the next one."""
    queue = queues.get_queue(g.caller, queue_id)
    draft = _draft(request.form)
    try:
        queues.review_item(g.caller, queue, prediction_id, draft, read=read_written_truth)
    except InvalidInputsError as error:
        return _item(queue, prediction_id, error.errors[0]), 422
    except ConflictError as error:
        flash(error.detail, "error")
    after = request.form.get("place", 0, type=int)
    return redirect(url_for("reviews.go_to_next", queue_id=queue_id, after=after), 303)


def _item(queue: ReviewQueue, prediction_id: UUID, fault: InputFault | None = None) -> str:
    progress = queues.progress_of(g.caller, queue)
    item = queues.find_item(progress.items, prediction_id)
    is_shown = prediction_id in queues.comparable(g.caller, queue, [item])
    return render_template(
        "reviews/item.html", queue=queue, item=item, progress=progress, fault=fault,
        said=item.reviews if is_shown else [],
        people=users.addresses({one.actor_id for one in item.reviews}), **_shown(prediction_id),
    )  # fmt: skip


def _form(identifier: UUID, fault: InputFault | None = None) -> str:
    return render_template("reviews/form.html", fault=fault, **_shown(identifier))


def _shown(identifier: UUID) -> dict[str, Prediction | Signature | None]:
    record = readings.read_prediction(g.caller, identifier)
    description = history.signature_of(record)
    signature = Signature.from_json(description) if description else None
    return {"record": record, "signature": signature}


def _draft(form: Form) -> Draft:
    return Draft(
        verdict=form.get("verdict", ""), correction=form.get("correction", "").strip() or None,
        reason=form.get("reason", ""), note=form.get("note", ""), is_outcome="is_outcome" in form,
    )  # fmt: skip


def _queue_form(fault: InputFault | None = None) -> str:
    models = model_access.visible_models(g.caller)
    chosen = request.values.get("model") or (models[0].name if len(models) == 1 else "")
    model = next((one for one in models if one.name == chosen), None)
    return render_template(
        "reviews/new.html", models=models, model=model, fault=fault, given=request.values,
        rules=list(SamplingRule), verdicts=list(Verdict), most=queues.MOST_ITEMS,
        people=model_access.users_of(model, Scope.REVIEW) if model else [],
    )  # fmt: skip


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None
