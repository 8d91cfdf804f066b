"""The product's own API, version 1."""

from app.api.v1 import exports, ledger, models, outcomes, predictions, reviews
from app.api.v1.blueprint import blueprint

__all__ = ["blueprint", "exports", "ledger", "models", "outcomes", "predictions", "reviews"]
