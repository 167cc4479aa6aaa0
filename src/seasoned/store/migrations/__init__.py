"""Migrations: numbered steps from an empty database to the newest schema, and all the way back.

Each revision is SQL that never changes again, one file per engine where they differ (``sql/``); Alembic keeps count in
``seasoned_version``. ``HEAD`` and ``KNOWN`` are plain values here so that opening a store that is up to date costs one
query and not the import of Alembic (1 s where it was measured).
"""

__all__ = ["HEAD", "KNOWN", "VERSION_TABLE"]

VERSION_TABLE = "seasoned_version"
KNOWN = ("0001", "0002", "0003")
"""Every revision this Seasoned knows, oldest first."""
HEAD = KNOWN[-1]
