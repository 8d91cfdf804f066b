"""The blueprint that the files of this folder add their routes to."""

from flask import Blueprint

from app.limits import limit_api

blueprint = Blueprint("api_v1", __name__, url_prefix="/api/v1")
limit_api(blueprint)
