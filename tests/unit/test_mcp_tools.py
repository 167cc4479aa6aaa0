"""What the MCP server offers, against literal lists: names that callers already use, and schemas that say everything."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from seasoned.doors.mcp import offered

TOOLS: dict[str, Any] = {tool["name"]: tool for tool in offered()["tools"]}
CHANGES_NOTHING = (
    "apply_pattern check_similar_tasks get_fix get_pattern_analytics suggest_learning_opportunities"
).split()
ARGUMENTS = {
    "learn_pattern": "pattern_name pattern_content category examples confidence",
    "apply_pattern": "pattern_query context max_patterns min_similarity",
    "get_pattern_analytics": "days",
    "evolve_pattern": "pattern_id evolution_data success_feedback notes",
    "promote_pattern": "pattern_id waiver distinct_from reason",
    "suggest_learning_opportunities": "",
    "record_usage": "pattern_id execution_time success context_data execution_id",
    "get_fix": "error tool command",
    "check_similar_tasks": (
        "prompt task_type domain min_similarity limit min_quality_score min_success_rate technologies semantic knowledge"
    ),
    "capture_task_execution": (
        "prompt task_type domain agent success quality_score duration_ms steps_json correlation_id execution_id artifacts "
        "user_acceptance complexity_score agent_chain tools_used file_patterns technology_stack auto_detect"
    ),
    "log_code_quality": (
        "path_id file_path artifact_type language quality_score onex_compliance complexity_metrics lines_added "
        "lines_modified lines_deleted test_coverage tests_passed tests_failed lint_passed type_check_passed "
        "security_scan_passed onex_node_type"
    ),
    "record_failure_pattern": (
        "fingerprint_id failure_type error_message path_id correlation_id error_category error_stack_trace failed_step "
        "root_cause contributing_factors resolution resolution_steps time_to_resolve_ms prevention_strategy "
        "automated_fix_available context_at_failure"
    ),
    "record_success_pattern": (
        "fingerprint_id path_id pattern_name pattern_type recommended_steps pattern_template applicability_criteria "
        "validation_criteria quality_thresholds required_tools estimated_duration_ms applicable_domains "
        "technology_requirements create_template"
    ),
}
ANSWERS = {
    "learn_pattern": {
        "": "pattern_id pattern_name category confidence examples_count vector_dimensions stored_at",
    },
    "apply_pattern": {
        "": "found pattern_count patterns application_guidance",
        "patterns": "pattern_name category similarity confidence application_count success_rate examples",
        "application_guidance": "recommended_pattern confidence_threshold",
    },
    "get_pattern_analytics": {
        "": (
            "overview distribution usage_patterns recommendations total_patterns category_distribution top_patterns "
            "success_statistics"
        ),
        "overview": (
            "total_patterns total_applications avg_applications_per_pattern avg_success_rate knowledge_base_health"
        ),
        "distribution": "by_category by_confidence",
        "usage_patterns": "most_applied least_applied unused_patterns",
        "recommendations": "high_value_patterns patterns_to_review knowledge_gaps",
    },
    "evolve_pattern": {
        "": "evolution_summary",
        "evolution_summary": (
            "previous_success_rate new_success_rate previous_confidence new_confidence evolution_count "
            "applications_analyzed"
        ),
    },
    "suggest_learning_opportunities": {
        "": "knowledge_base_summary learning_opportunities opportunity_count priority_breakdown",
        "knowledge_base_summary": "total_memories total_patterns coverage_ratio",
        "learning_opportunities": "type area priority reason suggested_action",
    },
    "promote_pattern": {"": "pattern_id pattern_name version promoted asked status"},
    "check_similar_tasks": {
        "": "success query_fingerprint matches_found matches recommended_patterns available_templates"
    },
    "capture_task_execution": {
        "": (
            "success fingerprint_id fingerprint_hash path_id artifacts_created similar_tasks_found pattern_candidates "
            "created_at"
        )
    },
    "log_code_quality": {
        "": (
            "success artifact_id content_hash quality_score onex_compliance_score quality_issues recommendations "
            "created_at"
        )
    },
    "record_failure_pattern": {
        "": (
            "success failure_id occurrence_count similar_failures_found automated_fix_available "
            "prevention_recommendations created_at"
        )
    },
    "record_success_pattern": {
        "": (
            "success pattern_id pattern_name template_created template_id applicability_score estimated_reuse_potential "
            "similar_patterns_found created_at"
        )
    },
}


def test_these_are_the_tools_and_they_are_documented() -> None:
    assert TOOLS.keys() == ARGUMENTS.keys()
    page = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")
    for name, tool in TOOLS.items():
        part = page.split(f"## `{name}`\n")[1].split("\n## ")[0]
        assert tool["description"] in part
        assert ("Changes nothing." in part) is (name in CHANGES_NOTHING)
        for argument, about in tool["inputSchema"]["properties"].items():
            (line,) = (line for line in part.splitlines() if line.startswith(f"| `{argument}` |"))
            assert about["description"].rstrip(".") in line
            assert ("**needed**" in line) is (argument in tool["inputSchema"].get("required", [])), (name, argument)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_are_named_as_callers_name_them(name: str) -> None:
    assert list(TOOLS[name]["inputSchema"]["properties"]) == ARGUMENTS[name].split()


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_schema_is_whole(name: str) -> None:
    tool = TOOLS[name]
    for schema in (tool["inputSchema"], tool["outputSchema"]):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert tool["inputSchema"]["additionalProperties"] is False
    for argument, about in tool["inputSchema"]["properties"].items():
        assert about.get("description"), argument
        for option in (about, *about.get("anyOf", [])):
            if option.get("type") in {"number", "integer"}:
                assert {"minimum", "maximum"} <= option.keys(), argument
    hints = tool["annotations"]
    assert (hints["readOnlyHint"], hints["destructiveHint"]) == (name in CHANGES_NOTHING, False)
    assert hints["openWorldHint"] is (name == "check_similar_tasks")
    assert hints["idempotentHint"] is (name in CHANGES_NOTHING)


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in ANSWERS.items() for field in fields])
def test_results_have_the_fields_that_callers_read(name: str, field: str) -> None:
    """Each is required; the client of the whole session checks what is answered against these schemas."""
    schema: Any = TOOLS[name]["outputSchema"]
    parts = schema["$defs"]
    (own, nothing) = schema["properties"]["result"]["anyOf"]
    assert nothing == {"type": "null"}
    found = parts[own["$ref"].rpartition("/")[2]]
    if field:
        inner = found["properties"][field]
        reference = inner.get("items", inner).get("$ref") or inner["allOf"][0]["$ref"]
        found = parts[reference.rpartition("/")[2]]
    wanted = set(ANSWERS[name][field].split())
    assert wanted <= found["properties"].keys()
    assert wanted <= set(found["required"])
