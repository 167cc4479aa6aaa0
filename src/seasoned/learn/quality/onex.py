"""Which kind of ONEX node a file belongs to, and how far it keeps that architecture's rules.

ONEX is OmniNode's four-node architecture (https://github.com/OmniNode-ai/omnibase_core): *Effect* talks to the world,
*Compute* transforms, *Reducer* holds state, *Orchestrator* coordinates. A node says what it is in four places: its class
(``NodeTextNormalizerCompute``), its base (``NodeCompute``), its file or folder (``node_text_normalizer_compute``) and
the ``node_type`` of the ``contract.yaml`` beside it (``COMPUTE_GENERIC``).

Invariant: nothing is guessed. A file in which none of the four shows has no type and no score; where they contradict one
another the type is None and the contradiction is a broken rule. The score is the share of the rules below that hold.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import cast, get_args

from seasoned.model import OnexNodeType

__all__ = ["OnexReading", "read_onex"]

_KINDS: dict[str, OnexNodeType] = {
    kind.casefold(): kind for kind in cast("tuple[OnexNodeType, ...]", get_args(OnexNodeType))
}
_ANY = "effect|compute|reducer|orchestrator"
_CLASS = re.compile(r"(?m)^class[ \t]+(\w{1,120})[ \t]*(?:\[[^\]\n]{0,200}\])?[ \t]*\(([^)]{0,500})\)")
_BASE = re.compile(r"\bNode(Effect|Compute|Reducer|Orchestrator)(?:Service)?\b")
_NAMED = re.compile(r"Node[A-Z]\w{0,100}?(Effect|Compute|Reducer|Orchestrator)\Z")
_PLACE = re.compile(rf"node_[a-z0-9_]{{1,100}}_({_ANY})\Z")
_CONTRACT_KIND = re.compile(rf"(?mi)^node_type:[ \t]*[\"']?({_ANY})(?:_generic)?[\"']?[ \t]*(?:#.*)?$")
_CONTRACT_VERSION = re.compile(r"(?m)^contract_version:")
_UNTYPED = re.compile(r"\bAny\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnexReading:
    """What was recognised."""

    node_type: OnexNodeType | None
    """None where the places contradict one another."""
    compliance: float
    """Share of the rules that hold, 0..1."""
    rules: dict[str, bool]
    """By name: whether it holds."""
    broken: tuple[str, ...]
    """A sentence for each that does not."""


def read_onex(text: str, file_path: str, contract: str | None) -> OnexReading | None:
    """The ONEX reading of a Python source; None where nothing says that it is a node. ``contract`` is the text of the
    ``contract.yaml`` beside it, where there is one."""
    path = PurePosixPath(file_path.replace("\\", "/"))
    classes = [(str(found[1]), _BASE.search(found[2])) for found in _CLASS.finditer(text)]
    nodes = [(name, base) for name, base in classes if base is not None]
    by_base = {str(base[1]) for _, base in nodes}
    by_name = {str(found[1]) for name, _ in nodes or classes if (found := _NAMED.match(name))}
    place = _PLACE.match(path.stem) or (_PLACE.match(path.parent.name) if path.stem == "node" else None)
    by_place = {str(place[1]).capitalize()} if place else set[str]()
    found = _CONTRACT_KIND.search(contract) if contract is not None else None
    by_contract = {str(found[1]).capitalize()} if found else set[str]()
    if path.suffix != ".py" or not (by_base or by_place or (by_name and by_contract)):
        return None
    shown = by_base | by_name | by_place | by_contract
    rules = dict(_rules(text, by_base, by_name, by_place, by_contract, contract, agree=len(shown) == 1))
    node_type = _KINDS[shown.pop().casefold()] if len(shown) == 1 else None
    return OnexReading(
        node_type=node_type,
        compliance=round(sum(holds for holds, _ in rules.values()) / len(rules), 4),
        rules={name: holds for name, (holds, _) in rules.items()},
        broken=tuple(told for holds, told in rules.values() if not holds),
    )


def _rules(
    text: str,
    by_base: set[str],
    by_name: set[str],
    by_place: set[str],
    by_contract: set[str],
    contract: str | None,
    *,
    agree: bool,
) -> Iterator[tuple[str, tuple[bool, str]]]:
    said = ", ".join(sorted({*by_base, *by_name, *by_place, *by_contract}))
    yield "base_class", (bool(by_base), "No class extends NodeEffect, NodeCompute, NodeReducer or NodeOrchestrator.")
    yield "class_name", (bool(by_name), "The class is not called Node<Name><Type>, as NodeTextNormalizerCompute is.")
    yield "file_name", (bool(by_place), "Neither the file is node_<name>_<type>.py nor is it node.py in such a folder.")
    yield "one_type", (agree, f"Class, base, file and contract name different types: {said}.")
    yield "contract", (bool(by_contract), "No contract.yaml with a node_type stands beside it.")
    versioned = contract is not None and _CONTRACT_VERSION.search(contract) is not None
    yield "contract_version", (versioned, "The contract.yaml has no contract_version.")
    code = "\n".join(line.partition("#")[0] for line in text.splitlines())
    yield "typed", (not _UNTYPED.search(code), "The type Any is used; ONEX asks for specific types.")
