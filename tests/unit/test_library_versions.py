"""Version numbers and trees, of whatever shape."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.library.versions import next_version, proposed_bump, tree_of
from seasoned.model import Pattern
from seasoned.model.versions import version_order
from seasoned.testing.knowledge_records import pattern

NUMBER = st.integers(0, 10**6)
SEMVER = st.builds(
    "{}.{}.{}{}".format, NUMBER, NUMBER, NUMBER, st.sampled_from(["", "-beta.1", "-a", "+b7", "-rc.2+x"])
)
DATA = st.dictionaries(
    st.sampled_from(["solution", "steps", "problem", "notes", "description", "when"]),
    st.text(max_size=5) | st.lists(st.sampled_from("abc"), max_size=4) | st.integers(),
    max_size=4,
)
PLAIN = pattern("p")


@given(SEMVER, st.sampled_from(["patch", "minor", "major"]))
def test_the_next_version_is_higher_and_final(version: str, bump: str) -> None:
    after = next_version(version, bump)  # pyright: ignore[reportArgumentType]
    assert version_order(after) > version_order(version)
    assert after.count(".") == 2
    assert all(part.isdecimal() for part in after.split("."))


@pytest.mark.parametrize("version", ["", "latest", "1.0.x", "-", "..", "1.²"])
def test_what_is_no_version_begins_at_the_beginning(version: str) -> None:
    assert next_version(version, "minor") in {"0.1.0", "1.1.0"}


@given(DATA, DATA)
def test_a_bump_is_proposed_for_whatever_changed(before: Mapping[str, object], after: Mapping[str, object]) -> None:
    order = ["patch", "minor", "major"]
    assert proposed_bump(before, before) == "patch"
    there, back = proposed_bump(before, after), proposed_bump(after, before)
    explained = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    if explained <= {"notes", "description"}:
        assert there == back == "patch"
    elif there == "minor":
        assert back == "major"  # what was added would be taken away
    assert proposed_bump(before, {**before, "entirely_new": "x"}) == "minor"
    assert order.index(there) >= 0


@pytest.mark.parametrize(
    ("before", "after", "bump"),
    [
        ({"steps": ["a"]}, {"steps": ["a", "b"]}, "minor"),
        ({"steps": ["a", "b"]}, {"steps": ["b", "a"]}, "major"),
        ({"steps": ["a", "b"]}, {"steps": ["a"]}, "major"),
        ({"steps": ["a", "a"]}, {"steps": ["a", "x"]}, "major"),
        ({"solution": "Seed it."}, {"solution": "Seed it. Then run."}, "minor"),
        ({"solution": "Seed it."}, {"solution": "Do not seed it."}, "major"),
        ({"solution": "x"}, {}, "major"),
        ({"notes": "x"}, {}, "patch"),
        ({"rationale": "x"}, {"rationale": "y"}, "patch"),
    ],
)
def test_additions_are_minor_and_losses_major(before: dict[str, object], after: dict[str, object], bump: str) -> None:
    assert proposed_bump(before, after) == bump


def family(parents: Mapping[int, int | None]) -> list[Pattern]:
    return [
        replace(
            PLAIN, pattern_id=f"id-{each:02}", version=f"1.{each}.0",
            parent_pattern_id=None if parent is None else f"id-{parent:02}",
        )
        for each, parent in parents.items()
    ]  # fmt: skip


GRAPHS = st.integers(0, 12).flatmap(
    lambda size: st.fixed_dictionaries(
        {each: st.none() | st.integers(0, size + 1) for each in range(size)}  # cycles, itself, and strangers
    )
)


@given(GRAPHS, st.randoms(use_true_random=False))
def test_a_tree_of_any_graph_holds_each_version_once(parents: dict[int, int | None], random: object) -> None:
    versions = family(parents)
    shuffled = list(versions)
    random.shuffle(shuffled)  # pyright: ignore
    tree = tree_of(shuffled)
    assert tree == tree_of(versions)
    ids = [node.pattern.pattern_id for node in tree.versions]
    assert sorted(ids) == sorted(each.pattern_id for each in versions)
    below = [child for node in tree.versions for child in node.children]
    assert len(below) == len(set(below))
    depth = {node.pattern.pattern_id: node.depth for node in tree.versions}
    for node in tree.versions:
        for child in node.children:
            assert depth[child] == node.depth + 1
            assert ids.index(child) > ids.index(node.pattern.pattern_id)
    roots = {node.pattern.pattern_id for node in tree.versions if node.depth == 0}
    assert roots.isdisjoint(below)
    assert roots | set(below) == set(ids)


def test_a_chain_of_thousands_is_not_too_deep() -> None:
    long = [
        replace(PLAIN, pattern_id=f"{n:05}", version=f"1.0.{n}", parent_pattern_id=f"{n - 1:05}" if n else None)
        for n in range(5_000)
    ]
    assert tree_of(long).versions[-1].depth == 4_999


def test_best_is_what_works_not_what_is_new_and_never_a_candidate() -> None:
    root, good, new, tried = family({0: None, 1: 0, 2: 1, 3: 1})
    proven = {"success_rate": 0.9, "usage_count": 20, "confidence_score": 0.6}
    versions = [
        replace(root, status="deprecated", **proven),
        replace(good, status="active", **proven),
        replace(new, status="active", success_rate=0.5, usage_count=2, confidence_score=0.1),
        replace(tried, status="candidate", **{**proven, "success_rate": 1.0}),
    ]
    assert tree_of(versions).best_active_id == "id-01"
    assert tree_of([each for each in versions if each.status != "active"]).best_active_id is None
    equal = [
        replace(each, status="active", success_rate=None, usage_count=0, confidence_score=None) for each in versions
    ]
    assert tree_of(equal).best_active_id == "id-03"
