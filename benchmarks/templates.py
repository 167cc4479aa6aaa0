"""Filling a template, beside Jinja rendering the same text without any check.

    python benchmarks/templates.py [--repeat N] [--json]

Three templates of the usual form (a numbered plan whose placeholders are texts, numbers and lists) with 3, 10 and 30
steps are filled with values that fit: the schema is asked, the loops are counted, the size is watched. *first* is a
template that this process has not met: it is read, checked and compiled. *refused* is a filling with three wrong values.
Target: ≤ 1 ms for a template that is known.
"""

from jinja2 import Environment

from material.figures import Figures, options, show, spread, timed_ms
from seasoned.errors import InputError
from seasoned.learn.templates import fill, text_of_plan
from seasoned.model import Document


def plan(steps: int) -> tuple[str, Document, dict[str, object]]:
    """A template of so many steps, its schema, and values that fit."""
    actions = [f"Run `git push origin {{branch}}` as often as {{count_{n}}}, then tell {{who}}" for n in range(steps)]
    properties: Document = {
        "branch": {"type": "string", "minLength": 1, "pattern": "^[a-z0-9/_-]+$"},
        "who": {"type": "string", "format": "email"},
        "files": {"type": "array", "items": {"type": "string"}},
        **{f"count_{n}": {"type": "integer", "minimum": 0} for n in range(steps)},
    }
    content = text_of_plan("Push a branch", actions) + "{% for file in files %}- {{ file }}\n{% endfor %}"
    values: dict[str, object] = {"branch": "fix/a-b", "who": "a@b.org", "files": [f"src/{n}.py" for n in range(10)]}
    values |= {f"count_{n}": n for n in range(steps)}
    return content, {"type": "object", "properties": properties, "required": sorted(properties)}, values


def refused(content: str, schema: Document, values: dict[str, object]) -> None:
    try:
        fill(content, schema, {**values, "branch": "A B", "who": 3, "nobody": 1})
    except InputError:
        return
    raise AssertionError("wrong values were taken")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--repeat", type=int, default=300)
    arguments = parser.parse_args()
    rows: dict[str, Figures] = {}
    for steps in (3, 10, 30):
        content, schema, values = plan(steps)
        plain = Environment(autoescape=False).from_string(content.replace(" | shell", ""))  # no HTML
        first = timed_ms(lambda: fill(content, schema, values))  # noqa: B023  # called at once
        ours: list[float] = []
        theirs: list[float] = []
        wrong: list[float] = []
        for _ in range(arguments.repeat):
            ours.append(timed_ms(lambda: fill(content, schema, values)))  # noqa: B023
            theirs.append(timed_ms(lambda: plain.render(values)))  # noqa: B023
            wrong.append(timed_ms(lambda: refused(content, schema, values)))  # noqa: B023
        rows[f"{steps} steps"] = {
            **spread(ours),
            "least_ms": round(min(ours), 3),
            "plain_p50_ms": spread(theirs)["p50_ms"],
            "plain_least_ms": round(min(theirs), 3),
            "refused_p50_ms": spread(wrong)["p50_ms"],
            "first_ms": round(first, 2),
        }
    show("Filling a template", rows, as_json=arguments.json)


if __name__ == "__main__":
    main()
