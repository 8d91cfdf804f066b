"""Daybook: a prediction service of record. The factory wires everything; nothing else does."""

import os

# Read when numpy and scikit-learn load their libraries, so before everything else: one thread each
# for BLAS and OpenMP, for theirs would fight those of the web server, under whichever server.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import bodies, errors, headers, instrumentation, logs, origins, presentation
from app.admin.routes import blueprint as admin
from app.api import v1
from app.api.v1 import negotiation
from app.application import Application
from app.audit.routes import blueprint as audit
from app.auth import guard, security
from app.auth.routes import blueprint as account
from app.cli import COMMANDS
from app.database.book import Book
from app.database.connections import connector
from app.database.transactions import transactions_on
from app.extensions import csrf, db, limiter, migrate
from app.flask_settings import flask_settings
from app.health.routes import blueprint as health
from app.history.routes import blueprint as history
from app.outcomes.routes import blueprint as outcomes
from app.protocols.kserve_v1 import blueprint as kserve_v1
from app.protocols.mlflow import blueprint as mlflow
from app.protocols.open_inference import blueprint as open_inference
from app.openapi.routes import blueprint as openapi
from app.predict.routes import blueprint as predict
from app.reviews.routes import blueprint as reviews
from app.recorder import Limits, Recorder
from app.sealer.publishing import Publisher
from app.sealer.sealer import Sealer
from app.sealer.signing import KeyStore
from app.sealer.sinks import read_sinks
from app.services.predictions import Predictions
from app.services.runtimes import Runtimes
from app.services.tokens import CallerCache
from config import Settings, load_settings


_PAGES = (predict, history, outcomes, reviews, audit, admin, account, openapi)
_PROGRAMS = (v1.blueprint, open_inference, kserve_v1, mlflow, health)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application. Without settings, those of the environment are used.

    Raises:
        SettingsError: if the settings are not usable; it lists every fault.
    """
    settings = settings or load_settings()
    app = Application(__name__)
    app.config.from_mapping(flask_settings(settings))
    app.extensions["settings"] = settings
    headers.init_app(app)
    origins.init_app(app, settings.allowed_origins.split())
    if hops := settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    logs.init_app(app, settings)
    instrumentation.init_app(app)
    bodies.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    _wire_services(app, settings)
    security.init_app(app, settings)
    guard.init_app(app)
    app.before_every_request(negotiation.refuse_other_types)
    limiter.init_app(app)
    errors.init_app(app)
    presentation.init_app(app)
    _open_doors(app)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


def _open_doors(app: Application) -> None:
    for blueprint in (*_PAGES, *_PROGRAMS):
        app.register_blueprint(blueprint)
    for blueprint in _PROGRAMS:
        csrf.exempt(blueprint)  # Who calls sends a token, and no cookie.


def _wire_services(app: Application, settings: Settings) -> None:
    with app.app_context():
        begin = transactions_on(db.engine)
    runtimes, book = Runtimes(settings.home / "artifacts"), Book(connector(settings))
    keys = KeyStore(
        settings.home / "ledger" / "keys",
        given=settings.ledger_key.get_secret_value(),
        makes_first=not settings.production,
    )
    limits = Limits(
        rows=settings.queue_rows, bytes=settings.queue_bytes, seconds=settings.deadline_seconds
    )
    recorder = Recorder(book, limits)
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"begin": begin}
    app.extensions["begin"] = begin
    app.extensions["ledger_keys"] = keys
    app.extensions["sealer"] = Sealer(begin, keys, Publisher(read_sinks(settings.checkpoint_sinks)))
    app.extensions["callers"] = CallerCache()
    app.extensions["runtimes"] = runtimes
    app.extensions["recorder"] = recorder
    app.extensions["predictions"] = Predictions(runtimes, recorder)
