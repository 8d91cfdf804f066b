"""What an administrator of the database could do who means harm."""

from sqlalchemy import text


def tamper(session, statement: str, **values) -> int:
    """Execute a statement past all triggers and rights; return how many rows it changed."""
    role = session.scalar(text("SELECT current_user"))
    session.execute(text("RESET ROLE"))
    session.execute(text("SET session_replication_role = replica"))
    changed = session.execute(text(statement), values).rowcount
    session.execute(text("SET session_replication_role = origin"))
    session.execute(text(f'SET ROLE "{role}"'))
    session.expire_all()
    return changed
