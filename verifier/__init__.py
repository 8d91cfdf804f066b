"""Checks a Daybook without Daybook: copy this folder anywhere, and run `python -m verifier --help`.

It is written apart from the service and shares no code with it. It needs Python 3.11 or later and the
package `cryptography`, and `psql` for a live database. It hashes what is stored, byte for byte.
"""
