"""The role under which agents read and write: created where it is missing, dropped where nobody else needs it.

A role belongs to the whole cluster, so that databases beside this one may create, grant and drop it at the same moment.
Each attempt is a savepoint and is made again after a collision; it ends in a right in this database, which holds the
role in place until the migration is committed.
"""

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from seasoned.errors import StoreError

__all__ = ["ROLE", "create_role", "drop_role"]

ROLE = "seasoned_agent"
_MARK = "created by a Seasoned migration"
_ATTEMPTS = 20
_COLLISIONS = frozenset({
    "23505",  # both inserted the role
    "42710",  # it came to be meanwhile
    "42704",  # it went meanwhile
    "XX000",  # "tuple concurrently updated", which has no code of its own
})  # fmt: skip
_DENIED = "42501"
_STILL_NEEDED = "2BP01"


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def create_role() -> None:
    """Create the role unless it is there, and make sure that this user may act as it.

    Raises StoreError where the user lacks the rights, with what somebody who has them must run.
    """
    connection = op.get_bind()
    for attempt in range(_ATTEMPTS):
        try:
            with connection.begin_nested():
                _ensure()
                connection.execute(text(f"GRANT SELECT ON library_revision TO {ROLE}"))
                return
        except DBAPIError as error:
            if _state(error) == _DENIED:
                user = connection.execute(text("SELECT quote_ident(current_user)")).scalar_one()
                raise StoreError(
                    f"The migration needs the role {ROLE}, and this user may not make it or act as it. Somebody who "
                    f"may create roles must run once: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO {user};"
                ) from error
            if _state(error) not in _COLLISIONS or attempt == _ATTEMPTS - 1:
                raise


def _ensure() -> None:
    connection = op.get_bind()
    found = connection.execute(
        text(f"SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = '{ROLE}'")
    ).scalar_one_or_none()
    if found is None:
        connection.execute(text(f"CREATE ROLE {ROLE} NOLOGIN NOBYPASSRLS"))
        connection.execute(text(f"COMMENT ON ROLE {ROLE} IS '{_MARK}'"))
    elif found:
        raise StoreError(
            f"The role {ROLE} passes by row-level security. Run: ALTER ROLE {ROLE} NOSUPERUSER NOBYPASSRLS;"
        )
    # Since PostgreSQL 16 being a member and being allowed to act as the role are two things.
    version = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
    right = "SET" if version >= 160_000 else "MEMBER"
    if not connection.execute(text(f"SELECT pg_has_role(current_user, '{ROLE}', '{right}')")).scalar_one():
        connection.execute(text(f"GRANT {ROLE} TO CURRENT_USER"))


def drop_role() -> None:
    """Drop the role if a migration created it, this user may, and no other database needs it."""
    connection = op.get_bind()
    mark = connection.execute(
        text(f"SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = '{ROLE}'")
    ).scalar_one_or_none()
    if mark != _MARK:
        return
    try:
        with connection.begin_nested():
            connection.execute(text(f"DROP ROLE {ROLE}"))
    except DBAPIError as error:
        if _state(error) not in {_STILL_NEEDED, _DENIED, *_COLLISIONS}:
            raise
