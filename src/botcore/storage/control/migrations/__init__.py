"""Revisions of the control process's tables, run by Alembic."""
