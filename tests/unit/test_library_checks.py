"""What the library refuses to take, and what each refusal costs and says."""

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seasoned.errors import ValidationError
from seasoned.library import checks


def repr_of(value: object) -> str:
    """Python refuses to write integers of thousands of digits."""
    return "huge" if isinstance(value, int) and abs(value) > 10**18 else ascii(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "a text is needed, not NoneType"),
        (b"x", "not bytes"),
        ("", "must not be empty"),
        (" \t\n", "must not be empty"),
        ("x" * 201, "201 characters; at most 200"),
        ("a\0b", "NUL"),
        ("a\ud800b", "half of a surrogate pair at character 1"),
        ("two\nlines", "U+000A"),
        ("bell\x07", "U+0007"),
        ("c1 \x9b31m", "U+009B"),
        ("gnp\u202e.exe", "U+202E"),
        ("zero\u200bwidth", "U+200B"),
        ("mark\ufeff", "U+FEFF"),
        ("line\u2028end", "U+2028"),
    ],
)
def test_a_name_is_one_visible_line(value: object, said: str) -> None:
    with pytest.raises(ValidationError, match="pattern_name: ") as raised:
        checks.name("pattern_name", value)
    assert said in str(raised.value)
    assert str(raised.value).isprintable()


def test_names_that_look_the_same_are_the_same() -> None:
    assert checks.name("n", " Cafe\u0301 ") == checks.name("n", "Caf\xe9") == "Caf\xe9"
    assert checks.name("n", "👩‍💻 می‌خواهم") == "👩‍💻 می‌خواهم"  # the joiners carry meaning
    assert checks.name("n", "Fix") != checks.name("n", "fix")


@given(st.text(max_size=300))
def test_what_passes_is_printable_in_one_line_and_storable(value: str) -> None:
    try:
        found = checks.name("n", value)
    except ValidationError:
        return
    assert found == found.strip() == checks.name("n", found)
    assert len(found.splitlines()) == 1
    found.encode()


@pytest.mark.parametrize(
    "version", ["0.0.0", "1.0.0", "10.20.30", "1.0.0-alpha", "1.0.0-a.1", "1.0.0+build.5", "1.0.0-0a"]
)
def test_semantic_versions(version: str) -> None:
    assert checks.version("version", version) == version


@pytest.mark.parametrize(
    "version",
    ["1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.0.0-", "1.0.0+", "-1.0.0", "1.0.x", "١.0.0", "1.0.0 beta", 1.0, ""],
)
def test_what_is_no_semantic_version(version: object) -> None:
    with pytest.raises(ValidationError, match="version"):
        checks.version("version", version)


@pytest.mark.parametrize(
    "value",
    [True, "1", None, float("nan"), float("inf"), -0.1, 10.1, 10**400, -(10**400), 10**5000, [1], 1j],
    ids=repr_of,
)
def test_a_number_within_bounds(value: object) -> None:
    with pytest.raises(ValidationError, match="0 to 10"):
        checks.number("learning_weight", value, 0, 10)
    assert (checks.number("n", 0, 0, 10), checks.number("n", 10, 0, 10)) == (0.0, 10.0)


@pytest.mark.parametrize("value", [1.5, True, "3", 0, 1001, 10**5000], ids=repr_of)
def test_a_whole_number_is_not_rounded(value: object) -> None:
    with pytest.raises(ValidationError, match="1 to 1"):
        checks.whole("limit", value, 1, 1000)


@pytest.mark.parametrize(
    "value", ["ana,bob", b"ana", {"ana": 1}, 5, ["ana", 5], ["a b"], ["-a"], ["x" * 65], ["a\nb"], ["á"]]
)
def test_a_list_of_agents(value: object) -> None:
    with pytest.raises(ValidationError, match="shared_with_agents"):
        checks.agent_list("shared_with_agents", value)


def test_a_list_has_each_once_and_an_end() -> None:
    assert checks.agent_list("a", ["bob", "ana", "bob"]) == ("ana", "bob")
    assert checks.agent_list("a", {"ana"}) == ("ana",)
    with pytest.raises(ValidationError, match="1,001 agent ids; at most 1,000"):
        checks.agent_list("a", ["a"] * 1_001)
    with pytest.raises(ValidationError, match="technology_requirements"):
        checks.labels("technology_requirements", ["py\x1b[31m"])


def deep(levels: int) -> dict[str, object]:
    value: dict[str, object] = {"end": 1}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_a_document_is_measured_whole() -> None:
    fits = {"a": "x" * (checks.DATA_LIMIT - 8)}
    assert checks.document("d", fits) == fits
    with pytest.raises(ValidationError, match="256 KiB"):
        checks.document("d", {"a": "x" * (checks.DATA_LIMIT - 7)})
    with pytest.raises(ValidationError, match="256 KiB"):
        checks.document("d", {"a": "ü" * (checks.DATA_LIMIT - 100)})
    many = {"a": list(range(10)) * 11_000}
    assert checks.document("d", many) == many
    assert checks.document("d", deep(23)) == deep(23)  # and the value at the bottom
    with pytest.raises(ValidationError, match="24 levels"):
        checks.document("d", deep(24))


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")}, {"a": [float("-inf")]}, {"a\0": 1}, {"a": ["\0"]}, {"a": "\udcff"}, {"\ud800": 1}, {1: "x"},
        {"a": {2: 3}}, {"a": b"x"}, {"a": {1, 2}}, {"a": object()}, {"a": 10**5000}, [], "text", None,
    ],
)  # fmt: skip
def test_what_json_cannot_say_is_no_document(value: object) -> None:
    with pytest.raises(ValidationError, match="pattern_data: "):
        checks.document("pattern_data", value)


def test_a_document_that_holds_itself_ends() -> None:
    loop: dict[str, object] = {}
    loop["a"] = [loop, loop]
    with pytest.raises(ValidationError):
        checks.document("d", loop)


@pytest.mark.parametrize(
    "huge",
    [
        {"a": "x" * 10_000_000},
        {"a": ["x" * 1_000] * 10_000},
        {"a": [0] * 5_000_000},
        {"a": [dict[str, object]()] * 3_000_000},
        {str(key): key for key in range(1_000_000)},
    ],
    ids=["one text", "many texts", "numbers", "objects", "names"],
)
def test_ten_megabytes_are_refused_without_being_copied(huge: dict[str, object]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValidationError, match="larger than 256 KiB"):
            checks.document("pattern_data", huge)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_the_rest_of_the_vocabulary_names_what_is_allowed() -> None:
    known: tuple[tuple[Callable[[object], object], str], ...] = (
        (checks.access_level, "private, team, shared, public, system"),
        (checks.status, "candidate, active, deprecated, rejected"),
        (checks.pattern_type, "workflow"),
    )
    for check, word in known:
        values: tuple[object, ...] = ("PRIVATE", "", None, 5, ["team"], "x" * 1000, float("nan"))
        for value in values:
            with pytest.raises(ValidationError) as raised:
                check(value)
            assert word in str(raised.value)
            assert len(str(raised.value)) < 300
    with pytest.raises(ValidationError, match="success: true, false or nothing"):
        checks.flag("success", 1)
