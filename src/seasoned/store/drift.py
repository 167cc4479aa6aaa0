"""Whether keyword counts, full text and the words of patterns still say what the rows' own words say, and how to make
them again.

All are kept by triggers in the transaction that adds, changes or removes a row; this is the independent count.
On PostgreSQL the full-text index is an expression over the row and cannot drift.
"""

from collections.abc import Callable, Iterator
from typing import assert_never

from seasoned.store.session import Session

__all__ = [
    "Compare",
    "full_text",
    "keyword_counts",
    "pattern_keywords",
    "rebuild_full_text",
    "rebuild_keyword_counts",
    "rebuild_pattern_keywords",
]

Compare = Callable[[Session], Iterator[tuple[str, str, int, int]]]
"""(namespace, token, found, expected) of everything compared."""

_TERMS = "group_concat(hex(f.namespace) || 'x' || hex(w.value), ' ')"


def _expected_sql(session: Session) -> str:
    """Every (namespace, token, fingerprints), the empty token for all."""
    match session.dialect:
        case "sqlite":
            words = "SELECT f.namespace, w.value AS token FROM task_fingerprints f, json_each(f.prompt_tokens) w"
        case "postgresql":
            words = "SELECT f.namespace, w.token FROM task_fingerprints f, unnest(f.prompt_tokens) AS w (token)"
        case _:
            assert_never(session.dialect)
    return (
        f"SELECT namespace, token, count(*) FROM ({words} UNION ALL SELECT namespace, '' FROM task_fingerprints) AS a "
        "GROUP BY namespace, token"
    )


def _expected(session: Session) -> dict[tuple[str, str], int]:
    return {(row[0], row[1]): row[2] for row in session.rows(_expected_sql(session))}


def keyword_counts(session: Session) -> Iterator[tuple[str, str, int, int]]:
    """``keyword_counts`` against the words of the fingerprints."""
    found = {
        (row[0], row[1]): row[2] for row in session.rows("SELECT namespace, token, fingerprints FROM keyword_counts")
    }
    expected = _expected(session)
    for key in sorted(found.keys() | expected.keys()):
        yield key[0], key[1], found.get(key, 0), expected.get(key, 0)


def rebuild_keyword_counts(session: Session) -> None:
    """Count all words again."""
    session.run("DELETE FROM keyword_counts")
    session.run(f"INSERT INTO keyword_counts (namespace, token, fingerprints) {_expected_sql(session)}")


def full_text(session: Session) -> Iterator[tuple[str, str, int, int]]:
    """Rows per term of the full-text index against the words of the fingerprints."""
    if session.dialect != "sqlite":
        return
    found: dict[tuple[str, str], int] = {}
    for term, rows in session.rows("SELECT term, doc FROM fingerprint_terms"):
        namespace, _, token = str(term).partition("x")
        found[_unhex(namespace), _unhex(token)] = rows
    expected = {key: count for key, count in _expected(session).items() if key[1]}
    for key in sorted(found.keys() | expected.keys()):
        yield key[0], key[1], found.get(key, 0), expected.get(key, 0)


def _unhex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return f"term {text[:40]}"


def rebuild_full_text(session: Session) -> None:
    """Make the index again from the fingerprints."""
    if session.dialect == "sqlite":
        session.run("INSERT INTO fingerprint_search (fingerprint_search) VALUES ('delete-all')")
        session.run(
            f"INSERT INTO fingerprint_search (rowid, terms) SELECT f.number, (SELECT {_TERMS} "
            "FROM json_each(f.prompt_tokens) w) FROM task_fingerprints f ORDER BY f.number"
        )


def _pattern_words_sql(session: Session) -> str:
    """Every (token, pattern_id) that the patterns themselves name."""
    match session.dialect:
        case "sqlite":
            return "SELECT DISTINCT w.value, p.pattern_id FROM patterns p, json_each(p.keywords) w"
        case "postgresql":
            return "SELECT DISTINCT w.token, p.pattern_id FROM patterns p, unnest(p.keywords) AS w (token)"
        case _:
            assert_never(session.dialect)


def pattern_keywords(session: Session) -> Iterator[tuple[str, str, int, int]]:
    """``pattern_keywords`` against the words of the patterns; the pattern's id stands for the namespace."""
    found = {(row[1], row[0]) for row in session.rows("SELECT token, pattern_id FROM pattern_keywords")}
    expected = {(row[1], row[0]) for row in session.rows(_pattern_words_sql(session))}
    for pair in sorted(found | expected):
        yield *pair, int(pair in found), int(pair in expected)


def rebuild_pattern_keywords(session: Session) -> None:
    """Write all words of patterns again."""
    session.run("DELETE FROM pattern_keywords")
    session.run(f"INSERT INTO pattern_keywords (token, pattern_id) {_pattern_words_sql(session)}")
