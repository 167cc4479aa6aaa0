"""Tokens: how an agent that is not on this machine says who it is.

A token is 32 random bytes behind ``seasoned_``, shown once; what is kept is its SHA-256. Guessing it is out of the
question, so that a slow hash would only slow down every request. Invariant: the bearer's identity is the token's, whole
(namespace, agent, role); a token that is unknown, expired or revoked is nobody.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import get_args

from seasoned.errors import AccessDeniedError, NotFoundError, ValidationError
from seasoned.library import checks
from seasoned.model import LEARNER, Agent, AuditEntry, Identity, Role, Token
from seasoned.store import Store, Writing

__all__ = ["NewToken", "authenticate", "create_token", "list_tokens", "revoke_token"]

PREFIX = "seasoned_"
_SEEN_EVERY = timedelta(minutes=1)
"""How exact ``last_used_at`` is; each request would otherwise write."""
_SHORTEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token as it is shown, once."""

    secret: str
    token: Token

    def __repr__(self) -> str:
        return f"NewToken(secret='…', token={self.token!r})"


def create_token(
    store: Store, who: Identity, *, agent_id: str, role: Role = "agent", lives: timedelta | None = None, now: datetime
) -> NewToken:
    """A token for an agent of the caller's namespace, who becomes known there with this role.

    ``lives``: until it expires; None: until it is revoked. Raises AccessDeniedError unless the caller is an
    administrator, ValidationError."""
    _administrator(who, "make tokens")
    if role not in get_args(Role):
        raise ValidationError(f"role: {role!r} is unknown; allowed are {', '.join(get_args(Role))}.")
    name = checks.agent_id("agent", agent_id)
    if name == LEARNER:
        raise ValidationError(f"agent: {LEARNER!r} is the learner's own name.")
    if lives is not None and not timedelta() < lives <= timedelta(days=3_660):
        raise ValidationError("expires: from now on, and at most ten years.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        hash=_hash(secret),
        namespace=who.namespace,
        agent_id=name,
        scopes=(role,),
        created_at=now,
        expires_at=None if lives is None else now + lives,
    )
    with store.writing() as writing:
        writing.save_agent(Agent(namespace=who.namespace, agent_id=name, name=name, role=role, created_at=now))
        writing.save_token(token)
        _note(writing, who, "token_create", token, now)
    return NewToken(secret=secret, token=token)


def list_tokens(store: Store, who: Identity) -> Sequence[Token]:
    """Those of the caller's namespace, oldest first. Raises AccessDeniedError unless it is an administrator."""
    _administrator(who, "list tokens")
    return store.tokens(who.namespace)


def revoke_token(store: Store, who: Identity, key: str, *, now: datetime) -> Token:
    """Revoke the token whose hash begins with ``key`` (at least 6 characters), or the token itself given whole. From now
    on; what was revoked stays revoked. Raises NotFoundError, AccessDeniedError."""
    _administrator(who, "revoke tokens")
    wanted = _hash(key) if key.startswith(PREFIX) else key.lower()
    found = (
        [each for each in store.tokens(who.namespace) if each.hash.startswith(wanted)]
        if len(wanted) >= _SHORTEST
        else []
    )
    if len(found) != 1:
        many = f"{len(found)} tokens begin" if found else "No token begins"
        raise NotFoundError(
            f"{many} with {key[:12]!r}; `seasoned token list` shows them (at least {_SHORTEST} characters)."
        )
    if found[0].revoked_at is not None:
        return found[0]
    revoked = replace(found[0], revoked_at=now)
    with store.writing() as writing:
        writing.save_token(revoked)
        _note(writing, who, "token_revoke", revoked, now)
    return revoked


def authenticate(store: Store, secret: str, now: datetime) -> Identity:
    """Whose token this is. Raises AccessDeniedError, with the reason: whoever has the token may know that it expired."""
    token = store.token(_hash(secret)) if secret.startswith(PREFIX) and len(secret) <= 200 else None
    if token is None:
        raise AccessDeniedError("This token is not known here; ask an administrator for one (`seasoned token create`).")
    if token.revoked_at is not None:
        raise AccessDeniedError(f"This token of {token.agent_id} was revoked on {token.revoked_at:%Y-%m-%d %H:%M} UTC.")
    if token.expires_at is not None and token.expires_at <= now:
        raise AccessDeniedError(f"This token of {token.agent_id} expired on {token.expires_at:%Y-%m-%d %H:%M} UTC.")
    if token.last_used_at is None or now - token.last_used_at >= _SEEN_EVERY:
        with store.writing(durable=False) as writing:
            current = store.token(token.hash)
            if current is not None and current.revoked_at is None:
                writing.save_token(replace(current, last_used_at=now))
    return Identity(namespace=token.namespace, agent_id=token.agent_id, role=token.scopes[0])


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _administrator(who: Identity, what: str) -> None:
    if who.role != "admin":
        raise AccessDeniedError(f"{who.agent_id} may not {what}: administrators of {who.namespace} may.")


def _note(writing: Writing, who: Identity, what: str, token: Token, now: datetime) -> None:
    entry = AuditEntry(
        namespace=who.namespace,
        who=who.agent_id,
        what=what,
        after={"token": token.hash[:12], "agent": token.agent_id, "role": token.scopes[0]},
        at=now,
    )
    writing.save_audit([entry])
