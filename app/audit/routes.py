"""The audit page: where the book stands, what was published, and whether everything is as it was sealed."""

from flask import Blueprint, current_app, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app import access
from app.audit.chart import step_chart
from app.extensions import db
from app.models import Scope
from app.sealer.sealer import Sealer
from app.sealer.signing import KeyStore, SigningKeyError
from app.services import ledger, verifications

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
@access.requires(Scope.AUDIT)
def show() -> str:
    """Show the book's state; while a verification runs, that part of the page is fetched again."""
    sealer: Sealer = current_app.extensions["sealer"]
    growth = ledger.growth()
    return render_template(
        "audit/audit.html",
        status=ledger.status([sink.name for sink in sealer.sinks]),
        chart=step_chart(growth),
        growth=growth,
        checkpoints=ledger.newest_checkpoints(),
        findings=ledger.newest_findings(),
        keys=_public_keys(),
        running=verifications.latest_verification(done=False),
        verified=verifications.latest_verification(done=True),
    )


@blueprint.post("/verifications")
@access.requires(Scope.AUDIT)
def verify() -> Response:
    """Ask for a verification of the whole book; it runs in the background."""
    verifications.request_verification(g.caller.user_id)
    db.session.commit()
    return redirect(url_for("audit.show", _anchor="verification"))


def _public_keys() -> list[str]:
    store: KeyStore = current_app.extensions["ledger_keys"]
    try:
        return [key.to_text() for key in store.publics()]
    except SigningKeyError:
        return []
