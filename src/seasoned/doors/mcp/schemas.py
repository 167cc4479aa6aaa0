"""JSON Schemas (2020-12) of arguments and answers, made of the very types that check and return them."""

from typing import Any, cast

import msgspec

__all__ = ["Schema", "input_schema", "output_schema"]

Schema = dict[str, Any]
_PLACE = "#/$defs/{name}"


def input_schema(kind: type) -> Schema:
    """Of a record of arguments: an object that takes no others."""
    (reference,), parts = msgspec.json.schema_components([kind], schema_hook=_anything, ref_template=_PLACE)
    own = parts.pop(str(reference["$ref"]).rsplit("/", 1)[-1])
    own["title"] = kind.__name__
    own.setdefault("properties", {})
    return {**own, "$defs": parts} if parts else own


def output_schema(kind: type) -> Schema:
    """Of what a tool returns: ``{success, result, message}``, with a ``code`` where it did not succeed."""
    (reference,), parts = msgspec.json.schema_components([kind], schema_hook=_anything, ref_template=_PLACE)
    return {
        "type": "object",
        "title": f"{kind.__name__}Answer",
        "properties": {
            "success": {"type": "boolean", "description": "Whether it was done."},
            "result": {"anyOf": [reference, {"type": "null"}], "description": "What came of it; null after an error."},
            "message": {"type": "string", "description": "The same in a sentence; after an error what is wrong."},
            "code": {"type": "string", "description": "Kind of error; absent where there is none."},
            "retry_after_s": {
                "type": "integer",
                "minimum": 1,
                "description": "After TooManyCallsError: seconds to wait.",
            },
        },
        "required": ["success", "result", "message"],
        "$defs": parts,
    }


def _anything(kind: type) -> Schema:
    if kind is object:
        return {"description": "Any JSON value."}  # an empty one counts as none
    raise NotImplementedError(cast("object", kind))
