"""What every store must show a reader of the library, as tests; part of ``testing.library_store``.

Who may read what is generated: every reader against every level, owner and namespace, on every way in, with the policy
of ``seasoned.library.access`` as the oracle.
"""
# ruff: noqa: D102  the name of a test is its sentence

from dataclasses import replace
from datetime import timedelta

import pytest

from seasoned.errors import StoreError
from seasoned.library.access import may_read
from seasoned.model import AuditEntry, Identity, Pattern
from seasoned.store import LibraryQuery, Store
from seasoned.testing.knowledge_records import pattern
from seasoned.testing.library_records import LEVELS, MODEL, PATTERNS, READERS, SERVICE, expected, fill_library
from seasoned.testing.stores import NOON

__all__ = ["LibraryReadContract"]

_ALL = LibraryQuery(limit=1_000)
_EVER = NOON - timedelta(days=9)


def _ids(patterns: list[Pattern]) -> set[str]:
    return {item.pattern_id for item in patterns}


class LibraryReadContract:
    """Subclass with a ``store`` fixture that gives an empty store."""

    # -- who sees what -----------------------------------------------------------------------------------------------
    def test_every_reader_sees_on_every_way_what_the_policy_says(self, store: Store) -> None:
        fill_library(store)
        for reader in READERS:
            allowed = expected(reader)
            assert _ids(store.visible_patterns(reader, _ALL)) == allowed, reader
            assert {card.pattern_id for card in store.cards(reader, _ALL)} == allowed, reader
            assert store.count_visible(reader, _ALL) == len(allowed), reader
            assert set(store.keyword_patterns(reader, ["common"], _ALL, 999)) == allowed, reader
            everything = tuple(card.pattern_id for card in store.cards(SERVICE, _ALL)) + tuple(allowed)
            assert store.words_held(reader, everything, ["common", "rare"]).keys() == allowed, reader
            assert {card.pattern_id for card in store.strongest(reader, _ALL, 999)} == allowed, reader
            assert store.families(reader, everything).keys() == allowed, reader
            nearest = store.nearest_patterns(reader, MODEL, [1.0, 0.0], _ALL, 999)
            assert {found for found, _ in nearest} == allowed, reader
            assert {item.pattern_id for item in store.usage_counts(reader, since=_EVER, query=_ALL)} == allowed, reader
            assert set(store.used_by(reader, limit=999)) == allowed, reader

    def test_what_is_hidden_cannot_be_named(self, store: Store) -> None:
        fill_library(store)
        for reader in READERS:
            allowed = expected(reader)
            for item in PATTERNS:
                seen = item.pattern_id in allowed
                for key in (item.pattern_id, item.pattern_id.upper(), item.pattern_id[:13], item.pattern_name):
                    found = store.visible_pattern(reader, key)
                    assert (found is not None) == seen, (reader, item.pattern_name)
                    assert found is None or found.pattern_id == item.pattern_id
                assert (store.family(reader, item.pattern_id) != []) == seen
                used = store.usages(reader, item.pattern_id, limit=99)
                assert {one.namespace for one in used} <= {reader.namespace}
                assert seen or not used
                told = store.audit(reader, subject=item.pattern_id)
                assert bool(told) == (item.namespace == reader.namespace and (seen or bool(_own_words(reader, told))))

    def test_sums_are_over_every_users_usages(self, store: Store) -> None:
        fill_library(store)
        (public,) = [item for item in PATTERNS if item.pattern_name == "public of owner in n, active"]
        readers = {(one.namespace, one.agent_id, one.role) for one in READERS}
        for reader in READERS:
            query = LibraryQuery(pattern_ids=(public.pattern_id,))
            (day,) = store.usage_counts(reader, since=_EVER, query=query)
            assert (day.day, day.uses, day.successes, day.failures) == (NOON.date().isoformat(), *[len(readers)] * 2, 0)
            assert (day.total_ms, day.timed) == (10 * len(readers), len(readers))
            mine = [one for one in readers if one[0] == reader.namespace]
            assert len(store.usages(reader, public.pattern_id, limit=99)) == len(mine)
        assert store.usage_counts(SERVICE, since=NOON + timedelta(seconds=1), query=_ALL) == []

    def test_an_entry_about_anothers_private_pattern_is_hidden_also_when_it_is_gone(self, store: Store) -> None:
        secret, known, silent = (pattern(name, agent_id="owner", access_level="private") for name in "abc")
        at = iter(NOON + timedelta(minutes=number) for number in range(20))

        def entry(who: str, what: str, item: Pattern, **changes: object) -> AuditEntry:
            plain = AuditEntry(namespace="n", who=who, what=what, subject=item.pattern_id, at=next(at))
            return replace(plain, **changes)  # pyright: ignore[reportArgumentType]

        with store.writing() as writing:
            writing.save_audit([entry("boss for owner", "create", item) for item in (secret, known, silent)])
            writing.save_audit([entry("adm", "delete", secret, before={"access_level": "private"})])
            writing.save_audit([entry("owner", "delete", known, before={"access_level": "team"})])
            writing.save_audit(
                [entry("lib", "delete", silent), entry("adm", "token_create", secret, subject="a token")]
            )
        seen = {reader: {one.subject for one in store.audit(reader)} for reader in READERS}
        every = {item.pattern_id for item in (secret, known, silent)}
        for reader, subjects in seen.items():
            want: set[str] = set()
            if reader.namespace == "n":
                want |= every if reader.agent_id == "owner" else set()
                want |= {known.pattern_id, "a token"} if reader.reviewer else set()
                want |= {item.subject or "" for item in store.audit(reader) if item.who == reader.agent_id}
            assert subjects == want, reader

    # -- what is asked -----------------------------------------------------------------------------------------------
    def test_a_query_narrows_and_orders(self, store: Store) -> None:
        fill_library(store)
        extra = pattern(
            "extra", agent_id="owner", category="testing", subcategory="web", pattern_type="fix", success_rate=0.9,
            usage_count=1_000, review_flags=("one_session",), namespace="n",
        )  # fmt: skip
        with store.writing() as writing:
            writing.save_patterns([extra])
        everything = [item for item in (*PATTERNS, extra) if may_read(SERVICE, item)]
        only = {
            "category": "testing", "subcategory": "web", "pattern_type": "fix", "flag": "one_session",
            "min_success_rate": 0.8, "min_usage_count": 1_000, "pattern_name": "extra", "pattern_ids": (extra.pattern_id,),
        }  # fmt: skip
        for field, value in only.items():
            wanted = replace(_ALL, **{field: value})
            assert _ids(store.visible_patterns(SERVICE, wanted)) == {extra.pattern_id}, field
        assert store.visible_patterns(SERVICE, replace(_ALL, pattern_ids=())) == []
        assert store.count_visible(SERVICE, replace(_ALL, pattern_ids=("no id",))) == 0
        assert store.count_visible(SERVICE, replace(_ALL, flag="' OR 1=1")) == 0
        for level in LEVELS:
            found = store.visible_patterns(SERVICE, replace(_ALL, access_levels=(level,), status=("active",)))
            want = [item for item in everything if (item.access_level, item.status) == (level, "active")]
            assert _ids(found) == _ids(want)
        for namespace in ("n", "m", "nowhere"):
            want = {item.pattern_id for item in everything if item.namespace == namespace}
            assert _ids(store.visible_patterns(SERVICE, replace(_ALL, namespace=namespace))) == want
        ranked = [
            item.pattern_id
            for item in sorted(
                everything,
                key=lambda p: (p.confidence_score is None, -(p.confidence_score or 0), p.pattern_name, p.pattern_id),
            )
        ]
        pages = [store.visible_patterns(SERVICE, LibraryQuery(limit=7, offset=start)) for start in range(0, 60, 7)]
        assert [item.pattern_id for page in pages for item in page] == ranked
        cards = store.cards(SERVICE, LibraryQuery(limit=1))
        assert [card.pattern_id for card in cards] == sorted(ranked)

    def test_a_card_says_what_its_pattern_says(self, store: Store) -> None:
        fill_library(store)
        with store.writing() as writing:
            writing.save_patterns(
                [replace(PATTERNS[0], last_used_at=NOON, technology_requirements=("a", "ü"), review_flags=("x",))]
            )
        whole = {item.pattern_id: item for item in store.visible_patterns(READERS[0], _ALL)}
        cards = store.cards(READERS[0], _ALL)
        assert len(cards) == len(whole)
        for card in cards:
            for name in type(card).__slots__:
                assert getattr(card, name) == getattr(whole[card.pattern_id], name), name

    def test_a_name_means_the_readers_own_then_its_namespaces_then_the_highest_version(self, store: Store) -> None:
        named = [
            pattern("1", agent_id="owner", version="1.0.0"), pattern("2", agent_id="owner", version="1.10.0"),
            pattern("3", agent_id="owner", version="1.9.0"), pattern("4", agent_id="other", version="7.0.0"),
            pattern("5", namespace="m", agent_id="x", version="9.9.9", access_level="public"),
        ]  # fmt: skip
        with store.writing() as writing:
            writing.save_patterns([replace(item, pattern_name="same") for item in named])
        for reader, wanted in (("owner", "1.10.0"), ("other", "7.0.0"), ("third", "7.0.0")):
            found = store.visible_pattern(Identity(namespace="n", agent_id=reader), "same")
            assert found is not None
            assert found.version == wanted
        found = store.visible_pattern(Identity(namespace="else", agent_id="owner"), "same")
        assert found is not None
        assert found.version == "9.9.9"
        for odd in ("", "\0", "\ud800", "same' OR '1'='1", "%", named[0].pattern_id[:5]):
            assert store.visible_pattern(READERS[0], odd) is None

    def test_words_find_the_patterns_that_have_most_of_them(self, store: Store) -> None:
        three, one = pattern("three", keywords=("a", "b", "c", "c")), pattern("one", keywords=("a", "ü ?%s"))
        with store.writing() as writing:
            writing.save_patterns([three, one])
        assert store.keyword_patterns(SERVICE, ["c", "b", "a", "a", "", "\0"], _ALL, 9) == [
            three.pattern_id,
            one.pattern_id,
        ]
        assert store.keyword_patterns(SERVICE, ["ü ?%s"], _ALL, 9) == [one.pattern_id]
        both = [three.pattern_id, one.pattern_id, "nonsense"]
        assert store.words_held(SERVICE, both, ["a", "c", "ü ?%s", "z", "", "\0"]) == {
            three.pattern_id: frozenset({"a", "c"}),
            one.pattern_id: frozenset({"a", "ü ?%s"}),
        }
        assert store.words_held(SERVICE, both, []) == store.words_held(SERVICE, [], ["a"]) == {}
        assert store.keyword_patterns(SERVICE, ["a"], _ALL, 1) == [min(three.pattern_id, one.pattern_id)]
        assert store.keyword_patterns(SERVICE, [], _ALL, 9) == []
        with store.writing() as writing:
            writing.save_patterns([replace(three, keywords=("d",))])
            writing.delete_patterns([one.pattern_id])
        assert store.keyword_patterns(SERVICE, ["a", "b", "c", "ü ?%s"], _ALL, 9) == []
        assert store.keyword_patterns(SERVICE, ["d"], _ALL, 9) == [three.pattern_id]
        with pytest.raises(StoreError, match="keyword is longer"), store.writing() as writing:
            writing.save_patterns([replace(three, keywords=("x" * 9_000,))])

    def test_nearest_are_exact_and_follow_what_changes(self, store: Store) -> None:
        several = [pattern(str(number)) for number in range(6)]
        with store.writing() as writing:
            writing.save_patterns(several)
            rows = [("n", item.pattern_id, [1.0, float(number)]) for number, item in enumerate(several[:5])]
            writing.save_pattern_embeddings(MODEL, rows)
            writing.save_pattern_embeddings("other model", [("n", several[5].pattern_id, [1.0, 0.0])])
        found = store.nearest_patterns(SERVICE, MODEL, [1.0, 0.0], _ALL, 3)
        assert [key for key, _ in found] == [item.pattern_id for item in several[:3]]
        assert [cosine for _, cosine in found] == pytest.approx([1, 2**-0.5, 5**-0.5], abs=1e-6)
        assert [item.pattern_id for item in store.without_pattern_embedding(MODEL, 9)] == [several[5].pattern_id]
        with store.writing() as writing:
            writing.save_pattern_embeddings(MODEL, [("n", several[4].pattern_id, [1.0, 0.0])])
            writing.delete_patterns([several[0].pattern_id])
        ((first, _),) = store.nearest_patterns(SERVICE, MODEL, [1.0, 0.0], _ALL, 1)
        assert first == several[4].pattern_id
        assert store.nearest_patterns(SERVICE, MODEL, [1.0, 0.0, 0.0], _ALL, 9) == []
        assert store.nearest_patterns(SERVICE, "none", [1.0, 0.0], _ALL, 9) == []
        narrow = replace(_ALL, pattern_ids=(several[1].pattern_id,))
        assert [key for key, _ in store.nearest_patterns(SERVICE, MODEL, [1.0, 0.0], narrow, 9)] == [
            several[1].pattern_id
        ]

    # -- versions ----------------------------------------------------------------------------------------------------
    def test_the_strongest_come_by_the_published_score(self, store: Store) -> None:
        sure = pattern("sure", success_rate=0.5, usage_count=0, confidence_score=1.0)  # 0.5
        used = pattern("used", success_rate=0.5, usage_count=50, confidence_score=None)  # 0.5
        best = pattern("best", success_rate=1.0, usage_count=5, confidence_score=0.5)  # 0.7
        bare = pattern("bare", success_rate=None, usage_count=0, confidence_score=None)
        with store.writing() as writing:
            writing.save_patterns([bare, used, sure, best])
        found = [card.pattern_id for card in store.strongest(SERVICE, _ALL, 9)]
        assert found == [best.pattern_id, *sorted([sure.pattern_id, used.pattern_id]), bare.pattern_id]
        assert [card.pattern_id for card in store.strongest(SERVICE, _ALL, 1)] == [best.pattern_id]
        assert store.strongest(SERVICE, _ALL, 0) == []

    def test_a_family_goes_round_what_is_hidden_and_ends_in_a_ring(self, store: Store) -> None:
        root = pattern("root", agent_id="owner")
        hidden = pattern("hidden", agent_id="owner", access_level="private", parent_pattern_id=root.pattern_id)
        leaf = pattern("leaf", agent_id="owner", parent_pattern_id=hidden.pattern_id)
        branch = pattern("branch", agent_id="other", parent_pattern_id=root.pattern_id)
        apart = pattern("apart", agent_id="owner")
        with store.writing() as writing:
            writing.save_patterns([leaf, hidden, root, branch, apart])
        other = Identity(namespace="n", agent_id="other")
        seen = {root.pattern_id, leaf.pattern_id, branch.pattern_id}
        for member in (root, leaf, branch):
            found = store.family(other, member.pattern_id)
            assert [item.pattern_id for item in found] == sorted(seen)
            families = store.families(other, [member.pattern_id, hidden.pattern_id, apart.pattern_id, "nonsense"])
            assert [card.pattern_id for card in families[member.pattern_id]] == sorted(seen)
            assert families.keys() == {member.pattern_id, apart.pattern_id}
        assert store.family(other, hidden.pattern_id) == []
        assert _ids(store.family(READERS[0], leaf.pattern_id)) == seen | {hidden.pattern_id}
        assert store.family(other, "nonsense") == []
        with store.writing() as writing:
            writing.save_patterns([replace(root, parent_pattern_id=leaf.pattern_id)])
        assert _ids(store.family(other, leaf.pattern_id)) == seen
        assert {card.pattern_id for card in store.families(other, [leaf.pattern_id])[leaf.pattern_id]} == seen
        with store.writing() as writing:
            writing.delete_patterns([hidden.pattern_id])
            writing.delete_patterns([leaf.pattern_id])  # the ring closes upon the root itself
        assert _ids(store.family(other, branch.pattern_id)) == {root.pattern_id, branch.pattern_id}
        with pytest.raises(StoreError, match="parent"), store.writing() as writing:
            writing.save_patterns([replace(root, parent_pattern_id=root.pattern_id)])


def _own_words(reader: Identity, told: list[AuditEntry]) -> list[AuditEntry]:
    return [entry for entry in told if entry.who == reader.agent_id]
