"""Daybook: a prediction service of record. The factory wires everything; nothing else does."""

import os

# Read when numpy and scikit-learn load their libraries, so before everything else: one thread each
# for BLAS and OpenMP, for theirs would fight those of the web server, under whichever server.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import bodies, errors, headers, instrumentation, logs, presentation
from app.api import v1
from app.auth import guard, security
from app.auth.routes import blueprint as account
from app.cli import COMMANDS
from app.database.transactions import transactions_on
from app.extensions import csrf, db, limiter, migrate
from app.flask_settings import flask_settings
from app.health.routes import blueprint as health
from app.history.routes import blueprint as history
from app.predict.routes import blueprint as predict
from app.recorder import Recorder
from app.services.predictions import Predictions
from app.services.runtimes import Runtimes
from config import Settings, load_settings


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application. Without settings, those of the environment are used.

    Raises:
        SettingsError: if the settings are not usable; it lists every fault.
    """
    settings = settings or load_settings()
    app = Flask(__name__)
    app.config.from_mapping(flask_settings(settings))
    app.extensions["settings"] = settings
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
    limiter.init_app(app)
    csrf.exempt(v1.blueprint)
    headers.init_app(app)
    errors.init_app(app)
    presentation.init_app(app)
    for blueprint in (predict, history, account, v1.blueprint, health):
        app.register_blueprint(blueprint)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


def _wire_services(app: Flask, settings: Settings) -> None:
    with app.app_context():
        begin = transactions_on(db.engine)
    runtimes, recorder = Runtimes(settings.home / "artifacts"), Recorder(begin)
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"begin": begin}
    app.extensions["begin"] = begin
    app.extensions["runtimes"] = runtimes
    app.extensions["recorder"] = recorder
    app.extensions["predictions"] = Predictions(runtimes, recorder)
