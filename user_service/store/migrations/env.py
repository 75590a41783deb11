# ruff: noqa: INP001 - alembic finds it by its path, not as a module of a package
"""Run by alembic: applies the migrations on the connection, and in the transaction, it is given."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, render_as_batch=True)
context.run_migrations()
