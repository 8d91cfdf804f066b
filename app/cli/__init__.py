"""The operator's commands, one file per noun."""

from app.cli.demo import demo
from app.cli.doctor import doctor
from app.cli.holds import holds
from app.cli.ledger import ledger
from app.cli.models import models
from app.cli.predictions import predictions
from app.cli.retention import retention
from app.cli.serve import serve
from app.cli.subjects import subjects
from app.cli.tokens import tokens
from app.cli.users import users
from app.cli.work import work

COMMANDS = (
    demo, doctor, holds, ledger, models, predictions, retention, serve, subjects, tokens, users, work,
)  # fmt: skip
