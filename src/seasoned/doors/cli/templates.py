"""``seasoned templates``: texts with typed placeholders, filled after their values were checked."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, cast

import msgspec
import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.arguments import document
from seasoned.doors.cli.root import AsJson, application, context
from seasoned.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.model import Template

__all__: list[str] = []

templates = typer.Typer(help="Texts with placeholders: list, show, fill.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(templates, name="templates")

Name = Annotated[str, typer.Argument(metavar="TEMPLATE", help="Id, the beginning of one, or name.")]


@templates.command("list")
def list_templates(
    invocation: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Templates by name."""
    with context(invocation).open() as seasoned:
        found = seasoned.store.templates(seasoned.namespace, limit=limit)
    if as_json:
        output.emit_json({"templates": found})
    elif not found:
        output.say("No templates yet. They are made of patterns that have placeholders and enough quality.")
    else:
        output.table(
            ("id", "name", "version", "quality", "placeholders"),
            [
                (
                    each.template_id[:8],
                    output.head(each.template_name, 60),
                    each.template_version,
                    "–" if each.quality_score is None else f"{each.quality_score:.2f}",
                    ", ".join(_described(each)) or "–",
                )
                for each in found
            ],
            right={3: True},
        )


@templates.command("show")
def show_template(invocation: typer.Context, template: Name, as_json: AsJson = False) -> None:
    """One template: its text, its placeholders, an example."""
    with context(invocation).open() as seasoned:
        found = _template(seasoned, template)
    if as_json:
        output.emit_json(found)
        return
    quality = "unknown" if found.quality_score is None else f"{found.quality_score:.2f}"
    output.say(f"{output.clean(found.template_name)}  (version {found.template_version}, quality {quality})")
    output.say(found.template_id)
    if found.description:
        output.say(output.clean(found.description))
    output.say()
    output.say(output.clean(found.template_content.rstrip("\n")))
    output.say()
    required = cast("list[str]", found.placeholder_schema.get("required") or [])
    for name, about in _described(found).items():
        kind = about.get("type", "any value")
        need = "needed" if name in required else "may be left out"
        default = f", else {_written(about['default'])}" if "default" in about else ""
        told = f": {about['description']}" if about.get("description") else ""
        output.say(f"  {name} ({kind}, {need}{default}){output.clean(str(told))}")
    if found.usage_example:
        output.say()
        output.say(
            f"Example: seasoned templates fill {found.template_id[:8]} --values {shlex.quote(found.usage_example)}"
        )


@templates.command("fill")
def fill_template(
    invocation: typer.Context,
    template: Name,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One value; may be repeated.")
    ] = None,
    values: Annotated[str | None, typer.Option(help="JSON object, @file or - for standard input.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the text with values in place of the placeholders; values that break their rules are refused."""
    from seasoned.learn.templates import fill

    with context(invocation).open() as seasoned:
        found = _template(seasoned, template)
    given = document("--values", values) or {}
    described = _described(found)
    for pair in set_ or ():
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {pair!r}: NAME=VALUE is needed.")
        if name in given:
            raise UsageError(f"--set {name}: the value is given twice.")
        given[name] = _typed(text, described.get(name, {}))
    filled = fill(found.template_content, found.placeholder_schema, given)
    if as_json:
        output.emit_json({"template_id": found.template_id, "template_name": found.template_name, "text": filled})
    else:
        output.say(output.clean(filled.rstrip("\n")))


def _template(seasoned: "Seasoned", key: str) -> "Template":
    found = seasoned.store.template(seasoned.namespace, key)
    if found is None:
        raise NotFoundError(f"There is no template {key!r} in namespace {seasoned.namespace!r}.")
    return found


def _described(template: "Template") -> dict[str, Mapping[str, object]]:
    properties = template.placeholder_schema.get("properties")
    return cast("dict[str, Mapping[str, object]]", properties) if isinstance(properties, dict) else {}


def _written(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _typed(text: str, about: Mapping[str, object]) -> object:
    """A word of the command line as the type that the placeholder asks for; as it stands where it is none. A list may
    be given as JSON, or by its only item."""
    if about.get("type") in {"array", "boolean", "integer", "null", "number", "object"}:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return [text] if about["type"] == "array" else text
    return text
