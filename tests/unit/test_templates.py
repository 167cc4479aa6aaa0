"""Templates: what may be written, what may be filled in, and what comes out."""

import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seasoned.errors import InputError
from seasoned.learn.placeholders import VALUES_LIMIT, with_defaults
from seasoned.learn.template_library import templates_of
from seasoned.learn.templates import (
    FILLED_LIMIT,
    TemplateError,
    check_template,
    fill,
    names_in,
    problems,
    template_of,
    text_of_plan,
)
from seasoned.model import Document, Pattern, PatternStep


def schema(*required: str, **properties: object) -> Document:
    return {"type": "object", "properties": properties or {"a": {}}, "required": list(required)}


TEXT: Document = {"type": "string"}
LIST: Document = {"type": "array"}


@pytest.mark.parametrize(
    "content",
    [
        "{{ ''.__class__ }}",
        "{{ a.__class__.__mro__ }}",
        "{{ a|attr('x') }}",
        "{{ a|map('upper') }}",
        "{{ a() }}",
        "{{ 'a' * 10**9 }}",
        "{{ a + a }}",
        "{{ -a }}",
        "{% set b = a %}",
        "{% include 'b' %}",
        "{% import 'b' as c %}",
        "{% from 'b' import c %}",
        "{% extends 'b' %}",
        "{% macro b() %}{% endmacro %}",
        "{% block b %}{% endblock %}",
        "{% call a() %}{% endcall %}",
        "{% filter upper %}{% endfilter %}",
        "{{ a is defined }}",
        "{{ a if a else 1 }}",
        "{{ [a] }}",
        "{{ {'a': 1} }}",
        "{{ nobody }}",
        "{{ self }}",
        "{{ loop }}",
        "{{ range }}",
        "{{ _budget }}",
        "{{ super() }}",
        "{% for b in [1, 2] %}{% endfor %}",
        "{% for b in a|list %}{% endfor %}",
        "{% for b, c in a %}{% endfor %}",
        "{% for loop in a %}{% endfor %}",
        "{% for self in a %}{% endfor %}",
        "{% for b in a recursive %}{% endfor %}",
        "{% for b in a %}{% for c in a %}{% for d in a %}{% endfor %}{% endfor %}{% endfor %}",
        "{{ a ~ a ~ (a ~ a) }}",
        "{{ " + " ~ ".join(["a"] * 30) + " }}",
        "{{ a" + "|trim" * 100 + " }}",
        "{{ " + "(" * 3000 + "a" + ")" * 3000 + " }}",
        "{{ " + "not " * 3000 + "a }}",
        "{% if a %}" * 100 + "{% endif %}" * 100,
        "{{ " + "9" * 40_000 + " }}",
        "{{ a",
        "x" * 50_001,
    ],
)
def test_what_is_not_named_is_not_allowed(content: str) -> None:
    with pytest.raises(TemplateError):
        check_template(content, schema())


def test_a_refusal_says_the_line_and_what_is_there() -> None:
    with pytest.raises(TemplateError, match=r"^Line 2: no description of the placeholder nobody .* are: a\.$"):
        check_template("{{ a }}\n{{ nobody }}", schema())


def test_values_have_items_and_no_attributes() -> None:
    described = schema(a={"type": "object"})
    assert fill("{{ a.items }} {{ a['b'][1] }}", described, {"a": {"items": 3, "b": [1, 2]}}) == "3 2"
    for content in ("{{ a.items }}", "{{ a.b }}", "{{ a['__class__'] }}", "{{ a[0] }}"):
        with pytest.raises(InputError, match="cannot be filled"):
            fill(content, described, {"a": {}})


def test_parts_of_the_language() -> None:
    described = schema(a=LIST, b=TEXT, c=TEXT)
    content = (
        "{% for x in a if x != 2 %}{{ loop.index }}:{{ x }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}"
        "|{{ a|join('-') }}|{{ a|first }}{{ a|last }}{{ a|length }}|{{ b|default('?') }}|{{ c|upper_ }}"
    ).replace("{{ c|upper_ }}", "{{ (b ~ '/' ~ c)|shell }}|{{ c|tojson }}|{{ c|trim|lower }}")
    assert fill(content, described, {"a": [1, 2, {"z": True}], "c": " X"}) == (
        '1:1, 2:{"z":true}|1-2-{"z":true}|1{"z":true}3|?|\'<b>/ X\'|" X"|x'
    )


def test_a_placeholder_that_is_left_out_stays_visible() -> None:
    described = schema("a", a=TEXT, b=TEXT, c={"type": "integer", "default": 4})
    assert fill("{{ a }} {{ b }}{% if b %}!{% endif %} {{ c }}", described, {"a": "x"}) == "x <b> 4"


def test_all_problems_at_once_with_their_place() -> None:
    described = schema(
        "a", "b", a={"type": "integer"}, b=TEXT, c={"type": "array", "items": {"type": "object", "required": ["n"]}}
    )
    found = problems(described, {"a": "x", "c": [{"n": 1}, {}], "d": 1})
    assert [(each.place, each.message) for each in found] == [
        ("a", "'x' is not of type 'integer'"),
        ("b", "is missing"),
        ("c[1].n", "is missing"),
        ("d", "is no placeholder of this template; these are: a, b, c"),
    ]
    with pytest.raises(InputError, match=r"a: 'x' is not .*; b: is missing; c\[1\]\.n: .*; d: is no placeholder"):
        fill("{{ a }}", described, {"a": "x", "c": [{"n": 1}, {}], "d": 1})


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("uuid", "0a1b2c3d-4e5f-4061-8071-2a3b4c5d6e7f", "0a1b2c3d"),
        ("email", "a@b.org", "a b@c"),
        ("uri", "https://example.org/a", "example"),
        ("date", "2026-03-01", "2026-02-30"),
        ("date-time", "2026-03-01T12:00:00+00:00", "noon"),
    ],
)
def test_formats_are_checked(form: str, good: str, bad: str) -> None:
    described = schema(a={"type": "string", "format": form})
    assert problems(described, {"a": good}) == []
    assert [each.place for each in problems(described, {"a": bad})] == ["a"]


BROKEN: list[object] = [
    {"$ref": "https://example.org/schema"},
    {"anyOf": [{}]},
    {"patternProperties": {"a": {}}},
    {"type": "wrong"},
    {"pattern": "(?=x)"},
    {"pattern": "("},
    {"pattern": "a{2}" * 30},
    {"format": "hostname"},
    {"enum": list(range(300))},
    {"description": "x" * 60_000},
    "text",
]


@pytest.mark.parametrize(
    "broken",
    BROKEN,
)
def test_a_schema_that_is_none_or_too_much(broken: object) -> None:
    with pytest.raises(TemplateError):
        problems(schema(a=broken), {})


@pytest.mark.parametrize("name", ["_a", "a b", "self", "loop", "not", "", "ä", "a\n"])
def test_names_that_no_placeholder_may_have(name: str) -> None:
    with pytest.raises(TemplateError, match="cannot be the name"):
        problems({"type": "object", "properties": {name: {}}}, {})


def test_a_schema_of_something_else_or_nested_without_end() -> None:
    with pytest.raises(TemplateError, match="must describe an object"):
        problems({"type": "array"}, {})
    deep: Document = {}
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    with pytest.raises(TemplateError, match="nested"):
        problems(schema(a=deep), {})


def test_patterns_from_outside_take_linear_time() -> None:
    described = schema(a={"type": "string", "pattern": "^(a+)+$"})
    assert [each.place for each in problems(described, {"a": "a" * 50_000 + "b"})] == ["a"]
    assert problems(described, {"a": "a" * 50_000}) == []


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("{{ a }}{{ a }}", {"a": "x" * 90_000}),
        ("{{ b|join(a) }}", {"a": "x" * 5_000, "b": [1] * 4_000}),
        ("{{ a" + "|tojson" * 30 + " }}", {"a": '"' * 100}),
        ("{{ a" + "|shell" * 30 + " }}", {"a": "'" * 100}),
        ("{% for x in b %}{% for y in b %}{% if x == y %}{% endif %}{% endfor %}{% endfor %}", {"b": [1] * 4_000}),
        ("{% for x in b %}{% endfor %}" * 300, {"b": [1] * 4_000}),
        ("{% for x in a %}{% endfor %}", {"a": "x" * 90_000}),
        ("{{ a < 3 }}", {"a": "x"}),
    ],
)
def test_what_would_grow_or_run_without_end_is_refused(content: str, values: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"would have more than|run for too long|a list is needed|cannot be filled"):
        fill(content, schema(a=TEXT, b=LIST), values)


def test_values_are_bounded() -> None:
    described = schema(a={})
    deep: object = "x"
    for _ in range(20):
        deep = [deep]
    for value in ("x" * (VALUES_LIMIT + 1), list(range(6_000)), deep, 10**100):
        assert [each.place for each in problems(described, {"a": value})] == [""]


def test_names_that_a_template_uses() -> None:
    assert names_in("{{ b }}{% for x in a %}{{ x }}{{ c.d }}{% endfor %}") == ["a", "b", "c"]


def test_defaults_stand_in_and_do_not_override() -> None:
    described = schema(a={"default": 1}, b={})
    assert with_defaults(described, {}) == {"a": 1}
    assert with_defaults(described, {"a": 2, "b": 3}) == {"a": 2, "b": 3}


# -- the usual template of a plan -----------------------------------------------------------------------------------
@given(st.text(alphabet="{}%#ab \"'\\|-\n\tü", max_size=60), st.text(alphabet="{}%# ab`'\"", max_size=60))
@settings(max_examples=200, deadline=None)
def test_text_of_a_trace_comes_out_as_it_stood(title: str, step: str) -> None:
    content = text_of_plan(title, [step], frozenset())
    described: Document = {"type": "object", "properties": {}}
    assert fill(content, described, {}) == f"# {' '.join(title.split())}\n\n1. {' '.join(step.split())}\n"


def test_template_marks_around_a_placeholder() -> None:
    content = text_of_plan("{{ 7 }}", ["{{a}} {% {a} %} {#{a}#} {nobody}"], frozenset({"a"}))
    assert fill(content, schema(a=TEXT), {"a": "v"}) == "# {{ 7 }}\n\n1. {v} {% v %} {#v#} {nobody}\n"


@pytest.mark.parametrize("command", ["echo {a}", "echo --x={a}", 'echo "fix: {a}"', "echo 'it {a} is'", 'echo "{a}"'])
@pytest.mark.parametrize("value", ["plain", "$(touch evil)", "a'b\"c", "`id`; x && y", '"; touch evil; "', "n -*"])
def test_a_value_in_a_command_is_one_word_of_it(command: str, value: str) -> None:
    content = text_of_plan("t", [f"Run `{command}`"])
    filled = fill(content, schema(a=TEXT), {"a": value})
    line = filled.removeprefix("# t\n\n1. Run `").removesuffix("`\n")
    inner = shlex.split(command.replace("{a}", "@"))[1].replace("@", value)
    assert shlex.split(line)[1:] == [inner]
    shown = subprocess.run(["sh", "-c", line.replace("echo", "printf %s", 1)], capture_output=True, check=True)
    assert shown.stdout.decode() == inner


@pytest.mark.parametrize(
    "command", ["rm {a}", 'rm "{a}"', 'rm "{a}.txt"', "cd x;{a}", "rm {a} -- x", "rm -- x; rm {a}", "rm {b}{a}"]
)
def test_a_value_that_would_be_an_option_is_refused(command: str) -> None:
    content = text_of_plan("t", [f"Run `{command}`"])
    described = schema(a={}, b={"default": ""})
    for value in ("-rf", "--upload-pack=touch evil", *([["ok", "-rf"]] if '"' not in command else [])):
        with pytest.raises(InputError, match="begins with a dash"):
            fill(content, described, {"a": value})
    assert "x-rf" in fill(content, described, {"a": "x-rf"})


@pytest.mark.parametrize(
    ("command", "filled"), [("rm -- {a}", "rm -- -rf"), ("x --by={a}", "x --by=-rf"), ("x 'b {a}'", "x 'b -rf'")]
)
def test_a_dash_where_no_option_can_stand(command: str, filled: str) -> None:
    assert f"`{filled}`" in fill(text_of_plan("t", [f"Run `{command}`"]), schema(a=TEXT), {"a": "-rf"})


@pytest.mark.parametrize(
    "command", ['echo "it {a}', 'echo \\"{a}\\"', 'sh -c "echo {a}"', "ssh host 'rm {a}'", 'python -c "print({a})"']
)
def test_where_quoting_cannot_be_right_a_placeholder_stays_open(command: str) -> None:
    content = text_of_plan("t", [f"Run `{command}`"])
    assert fill(content, schema(a=TEXT), {"a": "$(touch evil)"}) == f"# t\n\n1. Run `{command}`\n"


# -- templates of patterns ------------------------------------------------------------------------------------------
def pattern(**changes: object) -> Pattern:
    base = Pattern(
        pattern_id="0a1b2c3d-4e5f-5061-8071-2a3b4c5d6e7f",
        pattern_name="Push a branch",
        namespace="n",
        agent_id="seasoned",
        pattern_type="workflow",
        pattern_data={
            "quality": 0.9,
            "description": "d",
            "placeholders": {
                "type": "object",
                "properties": {
                    "branch": {"type": "string", "examples": ["fix/a b"]},
                    "n": {"type": "integer", "default": 2},
                },
                "required": ["branch"],
            },
        },
        recommended_steps=(
            PatternStep(number=1, action="Run `git push origin {branch}`", tool="git push", target="", seen_in=3, of=3),
            PatternStep(number=2, action="Wait {n} minutes for {other}", tool="", target="", seen_in=3, of=3),
        ),
        success_score=0.2,
        extracted_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    return replace(base, **changes)  # pyright: ignore[reportArgumentType]


def test_the_template_of_a_pattern_fills_with_its_own_example() -> None:
    template = template_of(pattern())
    assert template is not None
    assert template.usage_example == '{"branch":"fix/a b"}'
    assert fill(template.template_content, template.placeholder_schema, {"branch": "fix/a b"}) == (
        "# Push a branch\n\n1. Run `git push origin 'fix/a b'`\n2. Wait 2 minutes for {other}\n"
    )
    assert (template.quality_score, template.derived_from_pattern_id) == (0.9, pattern().pattern_id)


def described_by(action: str, **about: object) -> Pattern:
    placeholders: Document = {"type": "object", "properties": {"a": {"type": "string", **about}}, "required": ["a"]}
    step = PatternStep(number=1, action=action, tool="x", target="", seen_in=3, of=3)
    return pattern(pattern_data={"quality": 0.9, "placeholders": placeholders}, recommended_steps=(step,))


def test_a_placeholder_that_held_options_takes_them() -> None:
    template = template_of(described_by("Run `pytest {a}`", examples=["-q", "--maxfail=2"]))
    assert template is not None
    assert template.usage_example == '{"a":"-q"}'


def test_what_held_several_words_is_a_list() -> None:
    template = template_of(described_by("Run `git add {a}`", examples=["src/a.py src/b.py", "c.py"], description="d"))
    assert template is not None
    about = template.placeholder_schema["properties"]["a"]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]
    assert (about["type"], about["examples"]) == ("array", [["src/a.py", "src/b.py"], ["c.py"]])
    filled = fill(template.template_content, template.placeholder_schema, {"a": ["x y.py", "$(z)"]})
    assert "git add 'x y.py' '$(z)'`" in filled
    with pytest.raises(InputError, match="dash"):
        fill(template.template_content, template.placeholder_schema, {"a": ["a.py", "--force"]})


@pytest.mark.parametrize(
    ("action", "example"),
    [
        ("Run `git commit -m {a}`", "docs: add README.md FAQ"),
        ('Run `git add "{a}"`', "a.py b.py"),
        ("Run `git add src/{a}`", "a.py b.py"),
        ("Read {a}", "a.py b.py"),
        ("Run `cat {a}` and look at {a}", "a.py b.py"),
    ],
)
def test_what_is_one_text_stays_one(action: str, example: str) -> None:
    template = template_of(described_by(action, examples=[example]))
    assert template is not None
    assert template.placeholder_schema["properties"]["a"]["type"] == "string"  # pyright: ignore[reportIndexIssue]


def test_a_new_version_of_a_pattern_gives_the_same_template() -> None:
    first, second = template_of(pattern()), template_of(pattern(pattern_id="1" * 8, version="1.1.0"))
    assert first is not None
    assert second is not None
    assert (first.template_id, second.template_version) == (second.template_id, "1.1.0")


def test_no_template_without_placeholders_or_quality() -> None:
    data = pattern().pattern_data or {}
    assert template_of(pattern(pattern_data={**data, "quality": 0.84})) is None
    assert template_of(pattern(pattern_data={key: value for key, value in data.items() if key != "quality"})) is None
    assert template_of(pattern(pattern_data={**data, "placeholders": {"type": "object", "properties": {}}})) is None
    assert template_of(pattern(pattern_data=None)) is None


def test_an_example_that_does_not_fit_is_none() -> None:
    described: Document = {"type": "object", "properties": {"branch": {"type": "string"}}, "required": ["branch"]}
    template = template_of(pattern(pattern_data={"quality": 1.0, "placeholders": described}))
    assert template is not None
    assert template.usage_example is None


def test_templates_follow_their_patterns() -> None:
    first = templates_of([pattern()], [])
    (made,) = first.save
    assert (first.obsolete, first.refused) == ((), 0)
    again = templates_of([pattern()], [made])
    assert (again.save, again.obsolete) == ((), ())
    used = replace(made, usage_count=3, access_level="shared")
    (changed,) = templates_of([pattern(version="1.1.0")], [used]).save
    assert (changed.template_version, changed.usage_count, changed.access_level) == ("1.1.0", 3, "shared")
    assert templates_of([], [made], [pattern().pattern_id]).obsolete == (made.template_id,)
    assert templates_of([], [used], [pattern().pattern_id]).obsolete == ()
    assert templates_of([pattern(status="rejected")], [made]).obsolete == (made.template_id,)
    assert templates_of([], [made]).obsolete == ()


def test_a_pattern_whose_text_may_be_no_template_is_counted() -> None:
    data = {**(pattern().pattern_data or {}), "placeholders": schema(self=TEXT)}
    changes = templates_of([pattern(pattern_data=data)], [])
    assert (changes.save, changes.obsolete, changes.refused) == ((), (), 1)


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=30)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=8,
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_value_fills_or_is_refused_and_never_breaks(values: dict[str, object]) -> None:
    described = schema(a={}, b={}, c=TEXT)
    content = "{{ a }}{{ b|tojson }}{{ c|shell }}{% for x in a %}{{ x }}{% endfor %}{{ a.k }}"
    try:
        assert len(fill(content, described, values)) <= FILLED_LIMIT
    except InputError as error:
        assert str(error)
