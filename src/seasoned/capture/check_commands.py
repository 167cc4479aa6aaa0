"""Which commands are checks: the vocabulary of test runners, compilers, linters and git.

One simple command in, its kind and the tool's short name out. Wrappers (``env``, ``timeout``, ``uv run``, ``npx`` …)
are taken off first; task runners (``make``, ``mise run``, ``npm run`` …) are judged by the name of the task. Asking a
tool about itself (``--help``, ``--version``, listing tests) checks nothing.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

__all__ = ["CheckKind", "check_command"]

CheckKind = Literal["test", "build", "lint", "types", "format", "security", "commit", "merge", "revert", "push"]

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_ASKING = frozenset(
    {"--help", "-h", "--version", "-V", "--dry-run", "--collect-only", "--co", "--listTests", "-list"}
) | {"--list", "--list-tests", "--abort", "--show-config", "--init"}
_ABOUT = frozenset({"version", "help", "cache", "config", "linters", "completion", "list"})
_PLAIN_WRAPPERS = frozenset(
    {"command", "exec", "nohup", "time", "builtin", "cross-env", "xvfb-run", "caffeinate", "sudo"}
) | {"stdbuf", "nice", "ionice", "env", "timeout", "gtimeout", "unbuffer", "doas", "chronic", "script"}
_RUNNERS: Mapping[str, frozenset[str]] = {
    "uv": frozenset({"run"}),
    "poetry": frozenset({"run"}),
    "pipenv": frozenset({"run"}),
    "pdm": frozenset({"run"}),
    "rye": frozenset({"run"}),
    "hatch": frozenset({"run"}),
    "mise": frozenset({"exec", "x"}),
    "bundle": frozenset({"exec"}),
    "npm": frozenset({"exec"}),
    "pnpm": frozenset({"exec", "dlx"}),
    "yarn": frozenset({"exec", "dlx"}),
    "conda": frozenset({"run"}),
    "asdf": frozenset({"exec"}),
    "direnv": frozenset({"exec"}),
    "rtx": frozenset({"exec", "x"}),
}
_BARE_RUNNERS = frozenset({"npx", "pnpx", "bunx", "uvx", "pipx"})
_TAKES_VALUE = frozenset(
    {"-n", "-u", "-C", "-k", "-s", "-p", "-c", "--with", "--extra", "--group", "--python", "-E"}
) | {"--package", "--project", "--directory", "--env-file", "--prefix", "--filter", "-F", "--signal"}
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ash", "ksh"})

_TOOLS: Mapping[str, CheckKind] = {
    **dict.fromkeys(
        ("pytest", "py.test", "nose2", "nosetests", "tox", "nox", "jest", "vitest", "mocha", "ava", "karma", "jasmine"),
        "test",
    ),
    **dict.fromkeys(
        ("rspec", "minitest", "phpunit", "pest", "ctest", "gotestsum", "cypress", "bats", "behave"), "test"
    ),
    **dict.fromkeys(("cucumber", "busted", "prove", "sbt-test", "testthat", "nextest", "shellspec", "stestr"), "test"),
    **dict.fromkeys(("gcc", "g++", "clang", "clang++", "cc", "rustc", "javac", "kotlinc", "swiftc", "ninja"), "build"),
    **dict.fromkeys(("webpack", "rollup", "esbuild", "tsup", "xcodebuild", "msbuild", "goreleaser"), "build"),
    **dict.fromkeys(("eslint", "flake8", "pylint", "golangci-lint", "staticcheck", "shellcheck", "rubocop"), "lint"),
    **dict.fromkeys(("stylelint", "hadolint", "yamllint", "markdownlint", "oxlint", "actionlint", "clippy"), "lint"),
    **dict.fromkeys(("phpcs", "ktlint", "detekt", "swiftlint", "pre-commit", "lint-imports", "revive"), "lint"),
    **dict.fromkeys(("mypy", "pyright", "basedpyright", "tsc", "vue-tsc", "pyre", "ty", "phpstan", "psalm"), "types"),
    **dict.fromkeys(("gofmt", "gofumpt", "goimports", "black", "isort", "prettier", "rustfmt", "dprint"), "format"),
    **dict.fromkeys(("clang-format", "shfmt", "autopep8", "yapf", "stylua", "ktfmt"), "format"),
    **dict.fromkeys(
        ("bandit", "govulncheck", "gosec", "semgrep", "trivy", "pip-audit", "safety", "gitleaks"), "security"
    ),
    **dict.fromkeys(("trufflehog", "snyk", "grype", "detect-secrets", "brakeman"), "security"),
}
_TASK_RUNNERS = frozenset(
    {"make", "gmake", "just", "task", "mise", "npm", "pnpm", "yarn", "bun", "rake", "poe", "invoke"}
) | {
    "composer",
    "gradle",
    "gradlew",
    "turbo",
    "nx",
    "lerna",
    "grunt",
    "gulp",
    "ant",
    "deno",
    "mage",
    "bin/rails",
}
_RUN_WORDS = frozenset({"run", "r", "run-script", "run-many", "script"})
_SUBCOMMANDS: Mapping[str, Mapping[str, CheckKind]] = {
    "go": {"test": "test", "build": "build", "install": "build", "vet": "lint", "fmt": "format"},
    "cargo": {
        "test": "test",
        "t": "test",
        "nextest": "test",
        "build": "build",
        "b": "build",
        "check": "build",
        "clippy": "lint",
        "fmt": "format",
        "audit": "security",
        "deny": "security",
    },
    "dotnet": {"test": "test", "build": "build", "publish": "build", "format": "format"},
    "swift": {"test": "test", "build": "build"},
    "mix": {"test": "test", "compile": "build", "format": "format", "credo": "lint", "dialyzer": "types"},
    "rails": {"test": "test", "spec": "test"},
    "flutter": {"test": "test", "build": "build", "analyze": "lint"},
    "dart": {"test": "test", "compile": "build", "analyze": "lint", "format": "format"},
    "zig": {"test": "test", "build": "build", "fmt": "format"},
    "bazel": {"test": "test", "build": "build"},
    "stack": {"test": "test", "build": "build"},
    "cabal": {"test": "test", "build": "build"},
    "forge": {"test": "test", "build": "build", "fmt": "format"},
    "sbt": {"test": "test", "compile": "build"},
    "mvn": {"test": "test", "verify": "test", "install": "test", "compile": "build", "package": "test"},
    "ruff": {"check": "lint", "format": "format"},
    "biome": {"check": "lint", "lint": "lint", "ci": "lint", "format": "format"},
    "next": {"build": "build", "lint": "lint"},
    "vite": {"build": "build"},
    "ng": {"test": "test", "build": "build", "lint": "lint"},
    "playwright": {"test": "test"},
    "coverage": {"run": "test"},
    "hatch": {"test": "test", "build": "build", "fmt": "format"},
    "docker": {"build": "build"},
    "cmake": {"--build": "build"},
    "meson": {"test": "test", "compile": "build"},
    "uv": {"build": "build"},
    "poetry": {"build": "build"},
    "astro": {"build": "build", "check": "types"},
    "svelte-check": {"": "types"},
    "manage.py": {"test": "test"},
    "terraform": {"validate": "lint", "fmt": "format"},
    "helm": {"lint": "lint"},
}
_TASK_WORDS: tuple[tuple[CheckKind, frozenset[str]], ...] = (
    ("types", frozenset({"typecheck", "types", "tsc", "mypy", "pyright", "typing"})),
    ("lint", frozenset({"lint", "linter", "lints", "eslint", "clippy", "vet", "ruff", "golangci", "stylelint"})),
    ("security", frozenset({"audit", "security", "vuln", "govulncheck", "bandit"})),
    ("format", frozenset({"fmt", "format", "prettier"})),
    ("test", frozenset({"test", "tests", "spec", "specs", "unit", "e2e", "integration", "pytest", "jest", "verify"})),
    ("build", frozenset({"build", "compile", "assemble", "dist", "bundle", "typings"})),
)
_SCRIPT_WORDS = frozenset({"run", "all", "ci", "test", "tests", "unit", "integration", "e2e", "lint", "build", "check"})
_GIT: Mapping[str, CheckKind] = {"commit": "commit", "merge": "merge", "revert": "revert", "push": "push"}
_BY_NAME = frozenset({"git", "gh", "unittest-module", "node", "bun", "deno"})
"""Recognised by rules of their own."""
_KNOWN = _BY_NAME | _TOOLS.keys() | _SUBCOMMANDS.keys() | _TASK_RUNNERS
_MAX_DEPTH = 8


def check_command(words: tuple[str, ...]) -> tuple[CheckKind, str] | tuple[Literal["shell"], str] | None:
    """(kind, tool) of one simple command; ``("shell", line)`` for ``bash -c line``; None where it is no check."""
    rest = list(words[:60])
    for _ in range(_MAX_DEPTH):
        while rest and _ASSIGNMENT.match(rest[0]):
            del rest[0]
        if not rest:
            return None
        name = _name(rest[0])
        if name in _SHELLS:
            return _shell(rest)
        unwrapped = _unwrapped(name, rest)
        if unwrapped is None:
            break
        rest = unwrapped
    if not rest:
        return None
    name = _name(rest[0])
    if name.isalpha() and name not in _KNOWN:
        return None  # most commands: no tool, and no script, whose name has more than letters
    return _recognise(name, rest[1:])


@lru_cache(maxsize=1024)
def _name(word: str) -> str:
    name = word.replace("\\", "/").rsplit("/", 1)[-1].lower()
    for suffix in (".exe", ".cmd", ".bat"):
        name = name.removesuffix(suffix)
    return re.sub(r"^(python|pip|pytest|clang|gcc|g\+\+)[\d.-]+$", r"\1", name)


def _shell(words: list[str]) -> tuple[Literal["shell"], str] | tuple[CheckKind, str] | None:
    for index, word in enumerate(words[1:4], start=1):
        if word.startswith("-") and not word.startswith("--") and "c" in word:
            return ("shell", words[index + 1]) if index + 1 < len(words) else None
        if not word.startswith("-"):
            kind = _script(_name(word))
            return (kind, _name(word)) if kind else None
    return None


def _unwrapped(name: str, words: list[str]) -> list[str] | None:
    """``words`` without its outermost wrapper; None where the first word is none."""
    if name in _PLAIN_WRAPPERS:
        rest = _without_options(words[1:])
        return rest[1:] if name in {"timeout", "gtimeout"} else rest
    if name in _BARE_RUNNERS:
        rest = _without_options(words[1:])
        return (
            rest[1:] if name == "pipx" and rest[:1] == ["run"] else [_unversioned(rest[0]), *rest[1:]] if rest else rest
        )
    if name in {"python", "py"}:
        rest = words[1:]
        while rest and rest[0] in {"-u", "-B", "-I", "-O", "-W", "-X", "-3"}:
            del rest[: 2 if rest[0] in {"-W", "-X"} else 1]
        if rest[:1] == ["-m"]:
            return ["unittest-module", *rest[2:]] if rest[1:2] == ["unittest"] else rest[1:]
        return rest if rest and _name(rest[0]) == "manage.py" else None
    if name in {"docker", "podman", "docker-compose", "kubectl"} and {"exec", "run"} & set(words[1:4]):
        return _in_container(words)
    verbs = _RUNNERS.get(name)
    if verbs is None:
        return None
    options = _without_options(words[1:])
    if options and options[0] in verbs:
        rest = options[1:]
        return rest[rest.index("--") + 1 :] if "--" in rest[:6] else _without_options(rest)
    return None


def _without_options(words: list[str]) -> list[str]:
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            return words[index + 1 :]
        if word.startswith("-") and len(word) > 1:
            index += 2 if word in _TAKES_VALUE else 1
        elif _ASSIGNMENT.match(word):
            index += 1
        else:
            break
    return words[index:]


def _unversioned(package: str) -> str:
    at = package.find("@", 1)
    return package[:at] if at > 0 else package


def _in_container(words: list[str]) -> list[str] | None:
    """The command that runs inside: the first position from which on a check is recognised."""
    for index in range(2, min(len(words), 25)):
        name = _name(words[index])
        if name in _SHELLS or name in _TOOLS or name in _SUBCOMMANDS or name in {"npm", "make", "python", "yarn"}:
            return words[index:]
    return None


def _recognise(name: str, arguments: list[str]) -> tuple[CheckKind, str] | None:
    if _ASKING & set(arguments):
        return None
    if name == "git":
        return _git(arguments)
    if name == "gh":
        return ("merge", "gh pr merge") if arguments[:2] == ["pr", "merge"] else None
    if name == "unittest-module":
        return "test", "unittest"
    if name in {"node", "bun", "deno"} and ("--test" in arguments or arguments[:1] == ["test"]):
        return "test", name
    plain = [word for word in _without_options(arguments) if not word.startswith("-")]
    verbs = _SUBCOMMANDS.get(name)
    if verbs is not None:
        verb = plain[0] if plain and name != "mvn" else next((word for word in plain if word in verbs), "")
        if name == "cmake":
            verb = "--build" if "--build" in arguments else ""
        if name == "go" and verb == "test" and "-c" in arguments:
            return "build", "go test -c"
        if (kind := verbs.get(verb)) is not None:
            return kind, f"{name} {verb}".strip()
    if name in _TOOLS:
        return None if plain[:1] and plain[0] in _ABOUT else _tool(name, arguments)
    if name in _TASK_RUNNERS:
        return _task(name, plain)
    kind = _script(name)
    return (kind, name) if kind else None


def _script(name: str) -> CheckKind | None:
    """The kind of ``run-tests.sh`` and its like: nothing but words for a check in the name."""
    if name.isalpha():
        return None
    stem, _, suffix = name.rpartition(".")
    words = set(re.split(r"[^a-z0-9]+", stem if suffix in {"sh", "py", "bash"} else name))
    return _by_task_name("-".join(sorted(words))) if words <= _SCRIPT_WORDS else None


def _tool(name: str, arguments: list[str]) -> tuple[CheckKind, str]:
    kind = _TOOLS[name]
    if name in {"tox", "nox"} and (words := " ".join(arguments)):
        return _by_task_name(words) or kind, name
    return kind, name


def _task(name: str, plain: list[str]) -> tuple[CheckKind, str] | None:
    if plain and plain[0] in _RUN_WORDS:
        plain = plain[1:]
    elif name == "mise":
        return None
    if not plain:
        return ("build", name) if name in {"make", "gmake"} else None
    if name in {"npm", "pnpm", "yarn", "bun"} and plain[0] in {"t", "tst"}:
        return "test", f"{name} test"
    if name in {"npm", "pnpm", "yarn"} and plain[0] == "audit":
        return "security", f"{name} audit"
    if name in {"npm", "pnpm", "yarn", "bun", "composer"} and plain[0] in {
        "install",
        "i",
        "add",
        "ci",
        "remove",
        "why",
    }:
        return None
    for task in plain[:6]:
        if "=" in task:
            continue
        if task == "all" and name in {"make", "gmake"}:
            return "build", "make all"
        if task == "check":
            return ("test" if name in {"make", "gmake", "gradle", "gradlew"} else "lint"), f"{name} check"
        if (kind := _by_task_name(task)) is not None:
            return kind, f"{name} {task}"[:60]
        if name not in {"make", "gmake", "gradle", "gradlew", "rake", "nx", "turbo"}:
            break
    return None


def _by_task_name(task: str) -> CheckKind | None:
    split = re.sub(r"([a-z])([A-Z])", r"\1-\2", task).lower()
    words = set(re.split(r"[^a-z0-9]+", split))
    for kind, names in _TASK_WORDS:
        if words & names:
            return kind
    return None


def _git(arguments: list[str]) -> tuple[CheckKind, str] | None:
    rest = _without_options(arguments)
    if not rest:
        return None
    if rest[0] == "reset" and any(re.search(r"[~^]", word) for word in rest[1:]):
        return "revert", "git reset"
    kind = _GIT.get(rest[0])
    return (kind, f"git {rest[0]}") if kind else None
