"""The product's own API, version 1."""

from app.api.v1 import models, predictions
from app.api.v1.blueprint import blueprint

__all__ = ["blueprint", "models", "predictions"]
