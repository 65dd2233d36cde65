"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(200)
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "adapter",
        sa.Column("radiologist", NAME, nullable=False),
        sa.Column("version", NAME, nullable=False),
        sa.Column("sha256", NAME, nullable=False),
        sa.Column("base_model", NAME, nullable=False),
        sa.Column("night", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("changed_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("radiologist", "version", name=op.f("pk_adapter")),
    )
    op.create_table(
        "audit",
        sa.Column("id", COUNTER, autoincrement=False, nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("act", NAME, nullable=False),
        sa.Column("subject", NAME, nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", NAME, nullable=False),
        sa.Column("hash", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_table(
        "draft",
        sa.Column("id", NAME, nullable=False),
        sa.Column("report_id", NAME, nullable=False),
        sa.Column("version", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("radiologist", NAME, nullable=True),
        sa.Column("exam", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("indication", sa.Text(), nullable=False),
        sa.Column("comparison", sa.Text(), nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("coarse", sa.Text(), nullable=False),
        sa.Column("sentences", sa.Text(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("adapter", NAME, nullable=True),
        sa.Column("base_model", NAME, nullable=False),
        sa.Column("prompt_version", NAME, nullable=False),
        sa.Column("fell_back", NAME, nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
        sa.UniqueConstraint("report_id", "version", name=op.f("uq_draft_report_id_version")),
    )
    op.create_index("ix_draft_radiologist_created_at", "draft", ["radiologist", "created_at"])
    op.create_table(
        "inbox",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("topic", NAME, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("sha256", NAME, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", NAME, nullable=True),
        sa.Column("source", NAME, nullable=True),
        sa.Column("received_at", WHEN, nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("outcome", NAME, nullable=True),
        sa.Column("code", NAME, nullable=True),
        sa.Column("report_id", NAME, nullable=True),
        sa.Column("handled_at", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("topic", "partition", "offset", "sha256", name=op.f("uq_inbox_topic_partition_offset_sha256")),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"])
    op.create_index("ix_inbox_report_id", "inbox", ["report_id"])
    op.create_index(
        "ix_inbox_unreadable",
        "inbox",
        ["code", "id"],
        sqlite_where=sa.text("outcome = 'unreadable'"),
        postgresql_where=sa.text("outcome = 'unreadable'"),
    )
    op.create_index(
        "ix_inbox_waiting", "inbox", ["id"], sqlite_where=sa.text("outcome IS NULL"), postgresql_where=sa.text("outcome IS NULL")
    )
    op.create_table(
        "night",
        sa.Column("date", NAME, nullable=False),
        sa.Column("started_at", WHEN, nullable=False),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_night")),
    )
    op.create_table(
        "outbox",
        sa.Column("number", COUNTER, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("topic", NAME, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("lane", NAME, nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("not_before", WHEN, nullable=True),
        sa.Column("claimed_by", NAME, nullable=True),
        sa.Column("claimed_until", WHEN, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("published_at", WHEN, nullable=True),
        sa.Column("published_partition", sa.Integer(), nullable=True),
        sa.Column("published_offset", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
        sa.UniqueConstraint("id", name=op.f("uq_outbox_id")),
    )
    op.create_index(
        "ix_outbox_lane",
        "outbox",
        ["lane", "number"],
        sqlite_where=sa.text("published_at IS NULL"),
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["number"],
        sqlite_where=sa.text("published_at IS NULL"),
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "report_accession",
        sa.Column("accession", NAME, nullable=False),
        sa.Column("report_id", NAME, nullable=False),
        sa.Column("report_group", NAME, nullable=True),
        sa.PrimaryKeyConstraint("accession", "report_id", name=op.f("pk_report_accession")),
    )
    op.create_table(
        "signature",
        sa.Column("id", NAME, nullable=False),
        sa.Column("report_id", NAME, nullable=False),
        sa.Column("content_hash", NAME, nullable=False),
        sa.Column("radiologist", NAME, nullable=True),
        sa.Column("impression", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("signed_at", WHEN, nullable=False),
        sa.Column("received_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint("report_id", "content_hash", name=op.f("uq_signature_report_id_content_hash")),
    )
    op.create_table(
        "night_result",
        sa.Column("date", NAME, nullable=False),
        sa.Column("radiologist", NAME, nullable=False),
        sa.Column("preferences", sa.Integer(), nullable=False),
        sa.Column("verdict", NAME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("edit_distance", sa.Text(), nullable=False),
        sa.Column("facts_changed", sa.Integer(), nullable=True),
        sa.Column("adapter", NAME, nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("finished_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["date"], ["night.date"], name=op.f("fk_night_result_date")),
        sa.PrimaryKeyConstraint("date", "radiologist", name=op.f("pk_night_result")),
    )
    op.create_table(
        "preference",
        sa.Column("id", NAME, nullable=False),
        sa.Column("report_id", NAME, nullable=False),
        sa.Column("draft_id", NAME, nullable=False),
        sa.Column("signature_id", NAME, nullable=False),
        sa.Column("radiologist", NAME, nullable=False),
        sa.Column("change", NAME, nullable=False),
        sa.Column("edit_distance", sa.Float(), nullable=False),
        sa.Column("signed_at", WHEN, nullable=False),
        sa.Column("updated_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["draft.id"], name=op.f("fk_preference_draft_id")),
        sa.ForeignKeyConstraint(["signature_id"], ["signature.id"], name=op.f("fk_preference_signature_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference")),
        sa.UniqueConstraint("report_id", name=op.f("uq_preference_report_id")),
    )
    op.create_index("ix_preference_radiologist_signed_at_id", "preference", ["radiologist", "signed_at", "id"])
    op.create_table(
        "report_version",
        sa.Column("id", COUNTER, nullable=False),
        sa.Column("report_id", NAME, nullable=False),
        sa.Column("content_hash", NAME, nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("is_addendum_only", sa.Boolean(), nullable=False),
        sa.Column("issued", WHEN, nullable=True),
        sa.Column("impression", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("inbox_id", COUNTER, nullable=True),
        sa.Column("received_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_report_version_inbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_version")),
        sa.UniqueConstraint("report_id", "content_hash", name=op.f("uq_report_version_report_id_content_hash")),
    )
