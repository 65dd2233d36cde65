"""Switches: whose drafts are stopped or in shadow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = sa.String(200)


def upgrade() -> None:
    op.create_table(
        "switch",
        sa.Column("subject", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("changed_by", NAME, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_switch")),
    )
