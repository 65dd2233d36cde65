"""Runs the migrations on the connection, and in the transaction, that `feedback.database` opened."""

from __future__ import annotations

from alembic import context

from feedback.tables import Row

context.configure(connection=context.config.attributes["connection"], target_metadata=Row.metadata)
context.run_migrations()
