"""Signing in: people by password and session, programs by token; and each person's account."""
