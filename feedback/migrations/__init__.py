"""How the tables came to be as they are, step by step (Alembic). `feedback.database.open_database` runs them."""
