"""The real agent clients, offline: `ModelServer` plays the model by `Script`s, a `Client` runs one task. See README.md."""

from clients.claude_code import ClaudeCode
from clients.client import Client, Ran
from clients.codex import Codex
from clients.gemini import Gemini
from clients.hooks import Fired, RecordingHook
from clients.model_server import ModelServer, model_server
from clients.presence import need
from clients.script import Call, Script, Turn

__all__ = [
    "CLIENTS",
    "Call",
    "ClaudeCode",
    "Client",
    "Codex",
    "Fired",
    "Gemini",
    "ModelServer",
    "Ran",
    "RecordingHook",
    "Script",
    "Turn",
    "model_server",
    "need",
]

CLIENTS: tuple[type[Client], ...] = (ClaudeCode, Codex, Gemini)
