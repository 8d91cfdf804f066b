"""Models as the service sees them: signatures, artifacts, scoring and evaluation.

This package imports neither Flask nor the database nor anything of `app`, and can be used from a notebook.
"""
