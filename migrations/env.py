"""Runs the migrations, each in a transaction of its own, as the owner of the database."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from app.database.connections import connector
from app.database.partitions import is_partition
from app.database.rights import give_rights
from app.extensions import db

LOCK_TIMEOUT = "4s"  # A migration that waits for a lock makes everybody behind it wait too.


def run_migrations() -> None:
    connect = connector(current_app.extensions["settings"], as_owner=True)
    engine = create_engine("postgresql+psycopg2://", creator=connect, poolclass=NullPool)
    given = context.config.attributes.get("connection")
    with given.engine.connect() if given is not None else engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'; SET statement_timeout = 0"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,
            compare_server_default=True,
            include_name=lambda name, kind, _: not (kind == "table" and is_partition(name)),
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        give_rights(connection)
        connection.commit()


run_migrations()
