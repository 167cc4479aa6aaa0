"""Record kinds of Claude Code that Seasoned knows and keeps nothing of.

They are named so that a kind which a newer version brings can be told from one that was looked at and left. Observed
in real sessions, and the rest in the schemas of https://github.com/moru-ai/agent-schemas (MIT), 2.0.76 to 2.1.144.
"""

__all__ = ["EMPTY_ATTACHMENTS", "EMPTY_LINES", "EMPTY_SYSTEM", "KNOWN_BLOCKS"]

KNOWN_BLOCKS = frozenset(
    {"text", "thinking", "redacted_thinking", "tool_use", "tool_result", "image", "document", "fallback"}
    | {"server_tool_use", "mcp_tool_use", "tool_reference", "search_result"}
)
"""Values of a content block's ``type``; besides them, results of the provider's own tools (``…_tool_result``)."""

# fmt: off
EMPTY_LINES = frozenset(
    {
        "agent-name", "ai-title", "atis-latch", "bridge-session", "custom-title", "file-history-delta",
        "file-history-snapshot", "frame-link", "last-prompt", "mode", "permission-mode", "progress",
        "queue-operation", "relocated", "result", "started", "summary", "worktree-state",
    }
)
# fmt: on
"""Values of a line's ``type``."""

# fmt: off
EMPTY_SYSTEM = frozenset(
    {
        "api_error", "away_summary", "bridge_status", "compact_boundary", "custom_title", "error",
        "informational", "local_command", "microcompact_boundary", "model_refusal_fallback", "rewind",
        "scheduled_task_fire", "session_artifact_snapshot", "session_start", "slash_command", "ui_telemetry",
    }
)
# fmt: on
"""Values of ``subtype`` of system lines."""

# fmt: off
EMPTY_ATTACHMENTS = frozenset(
    {
        "agent_listing_delta", "agent_mention", "auto_mode", "auto_mode_exit", "batching_reminder_sent",
        "budget_usd", "command_permissions", "compact_file_reference", "date_change", "deferred_tools_delta",
        "diagnostics", "directory", "dynamic_skill", "edited_text_file", "file", "goal_status",
        "hook_additional_context", "hook_deferred_tool", "hook_permission_decision",
        "hook_stopped_continuation", "hook_system_message", "invoked_skills", "max_turns_reached",
        "mcp_instructions_delta", "nested_memory", "opened_file_in_ide", "output_style", "plan_file_reference",
        "plan_mode", "plan_mode_exit", "plan_mode_reentry", "read_truncation_notice", "relevant_memories",
        "selected_lines_in_ide", "silent_turn_reminder", "skill_listing", "structured_output", "task_reminder",
        "task_status", "todo_reminder", "total_tokens_reminder", "ultra_effort_enter", "ultra_effort_exit",
    }
)
# fmt: on
"""Values of ``attachment.type``."""
