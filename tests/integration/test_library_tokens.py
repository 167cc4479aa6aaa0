"""Tokens: whose they are, when they are nobody's, and that nothing keeps them."""

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from library_callers import Callers, opened

from seasoned.errors import AccessDeniedError, NotFoundError, ValidationError
from seasoned.library import authenticate, create_token, list_tokens, revoke_token
from seasoned.model import Identity


@pytest.fixture(params=["sqlite", "postgresql"])
def callers(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Callers, None, None]:
    with opened(request, tmp_path) as found:
        yield found


def token(callers: Callers, agent: str = "bot", **given: Any) -> Any:
    return create_token(callers.store, callers.admin.who, agent_id=agent, now=callers.now, **given)


def test_the_bearer_is_whom_the_token_names_and_no_local_user(callers: Callers) -> None:
    for role in ("agent", "librarian", "admin"):
        made = token(callers, f"a-{role}", role=role)
        who = authenticate(callers.store, made.secret, callers.now)
        assert who == Identity(namespace="n", agent_id=f"a-{role}", role=role)  # pyright: ignore[reportArgumentType]
        assert not who.local
        with pytest.raises(AccessDeniedError, match="may not act for others"):
            callers.agent(who.agent_id, role=who.role).as_agent("ana")


def test_what_is_no_token_is_nobody(callers: Callers) -> None:
    made = token(callers)
    for secret in (
        "", "seasoned_", made.secret[:-1], made.secret + "x", made.secret.upper(), made.token.hash, "seasoned_" + "x" * 10**6,
        f" {made.secret}", "seasoned_\0", "seasoned_\ud800", "' OR 1=1 --",
    ):  # fmt: skip
        with pytest.raises(AccessDeniedError, match="not known here") as raised:
            authenticate(callers.store, secret, callers.now)
        assert len(secret) < 12 or secret not in str(raised.value)


def test_revoked_and_expired_tokens_say_so(callers: Callers) -> None:
    made, brief = token(callers), token(callers, "brief", lives=timedelta(hours=1))
    assert authenticate(callers.store, brief.secret, callers.now + timedelta(minutes=59)).agent_id == "brief"
    with pytest.raises(AccessDeniedError, match=r"of brief expired on 2026-03-01 13:00 UTC"):
        authenticate(callers.store, brief.secret, callers.now + timedelta(hours=1))
    revoked = revoke_token(callers.store, callers.admin.who, made.secret, now=callers.now)
    with pytest.raises(AccessDeniedError, match="of bot was revoked"):
        authenticate(callers.store, made.secret, callers.now)
    later = revoke_token(callers.store, callers.admin.who, made.token.hash[:6].upper(), now=callers.now + timedelta(1))
    assert later.revoked_at == revoked.revoked_at == callers.now


def test_only_the_hash_is_kept_and_shown(callers: Callers, tmp_path: Path) -> None:
    made = token(callers)
    authenticate(callers.store, made.secret, callers.now)
    revoke_token(callers.store, callers.admin.who, made.secret, now=callers.now)
    assert made.secret not in repr(made)
    assert made.secret not in repr(list_tokens(callers.store, callers.admin.who))
    entries = callers.admin.audit()
    assert [(each.who, each.what) for each in entries] == [("root", "token_revoke"), ("root", "token_create")]
    assert made.secret[9:] not in repr(entries)
    with callers.store._engine.reading() as session:  # pyright: ignore[reportPrivateUsage]
        for table in ("api_tokens", "audit_log", "agents"):
            assert made.secret[9:] not in str(session.rows(f"SELECT * FROM {table}"))
    for file in tmp_path.glob("store.db*"):
        assert made.secret[9:].encode() not in file.read_bytes()


def test_tokens_are_made_listed_and_revoked_by_administrators_of_their_namespace(callers: Callers) -> None:
    made = token(callers)
    abroad = Identity(namespace="m", agent_id="root", role="admin", local=True)
    for who in (callers.ana.who, callers.librarian.who):
        for act in (
            lambda: create_token(callers.store, who, agent_id="x", now=callers.now),  # noqa: B023
            lambda: list_tokens(callers.store, who),  # noqa: B023
            lambda: revoke_token(callers.store, who, made.token.hash, now=callers.now),  # noqa: B023
        ):
            with pytest.raises(AccessDeniedError, match="administrators of n may"):
                act()
    assert list_tokens(callers.store, abroad) == []
    for key in (made.secret, made.token.hash):
        with pytest.raises(NotFoundError, match="No token begins"):
            revoke_token(callers.store, abroad, key, now=callers.now)
    for key in ("", made.token.hash[:5], "zzzzzz", "%"):
        with pytest.raises(NotFoundError):
            revoke_token(callers.store, callers.admin.who, key, now=callers.now)
    assert authenticate(callers.store, made.secret, callers.now).agent_id == "bot"


def test_what_cannot_be_a_token_is_refused(callers: Callers) -> None:
    refused: list[dict[str, Any]] = [
        {"agent": ""}, {"agent": "a b"}, {"agent": "seasoned"}, {"agent": "\u0430na"}, {"agent": "x" * 65}, {"role": "root"},
        {"lives": timedelta()}, {"lives": timedelta(-1)}, {"lives": timedelta(4_000)},
    ]  # fmt: skip
    for bad in refused:
        with pytest.raises(ValidationError):
            token(callers, **bad)
    assert list_tokens(callers.store, callers.admin.who) == []
    assert callers.admin.audit() == []


def test_a_new_role_does_not_widen_an_old_token(callers: Callers) -> None:
    old = token(callers, "bot", role="agent")
    token(callers, "bot", role="librarian")
    assert authenticate(callers.store, old.secret, callers.now).role == "agent"
    assert callers.admin.as_agent("bot").who.role == "librarian"
    token(callers, "bot", role="agent")
    assert callers.admin.as_agent("bot").who.role == "agent"


def test_last_use_is_noted_by_the_minute_and_never_revives_a_token(callers: Callers) -> None:
    made = token(callers)
    for seconds, seen in ((0, 0), (30, 0), (60, 60)):
        authenticate(callers.store, made.secret, callers.now + timedelta(seconds=seconds))
        (listed,) = list_tokens(callers.store, callers.admin.who)
        assert listed.last_used_at == callers.now + timedelta(seconds=seen)
    with callers.store.writing() as writing:
        writing.save_token(replace(listed, revoked_at=callers.now))
    with pytest.raises(AccessDeniedError):
        authenticate(callers.store, made.secret, callers.now + timedelta(hours=1))
    (listed,) = list_tokens(callers.store, callers.admin.who)
    assert listed.revoked_at == callers.now
