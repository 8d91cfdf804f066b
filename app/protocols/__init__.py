"""Doors for clients of other model servers: they translate, and decide nothing."""
