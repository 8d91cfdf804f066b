"""`/openapi.json` for programs, and `/docs` for people: the same document, and a page to try it on."""

from flask import Blueprint, Response, current_app, g, render_template

from app import access
from app.answers import json_answer
from app.describing import describe
from app.limits import limit_api
from app.openapi.document import openapi_document

blueprint = Blueprint("openapi", __name__)
limit_api(blueprint)


@blueprint.get("/openapi.json")
@access.signed_in
@describe(answers={200: dict})
def show_document() -> Response:
    """Describe what the caller may call, in OpenAPI 3.1."""
    return json_answer(openapi_document(current_app, g.caller))


@blueprint.get("/docs/openapi.json")
@access.signed_in
def show_own_document() -> Response:
    """Describe the same to the page, for the person who is signed in."""
    return json_answer(openapi_document(current_app, g.caller))


@blueprint.get("/docs")
@access.signed_in
def show() -> str:
    """Show the API, to read and to try with a token."""
    return render_template("docs.html")
