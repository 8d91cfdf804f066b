"""The integrity of the book, as pure functions.

This package imports the standard library and nothing else: no Flask, no database, no settings,
no clock. What it computes can be computed again by anyone from the stored bytes.
"""
