"""What kind of task a prompt asks for: a table of words that speak, added up.

Every row of ``_TASK``, ``_DOMAIN`` says "a prompt with one of these words is this much more likely to be of that
class": weights are natural log-odds in steps of half, set by hand from what the words mean and checked on the tuning
half of 146 prompts labelled by one reader before the table was made (``tests/data/entireio/prompts.jsonl``). A word
counts once however often it stands. A verb that opens the prompt counts double, unless it is one that any object
suits: it is the request, the rest is about what. ``other`` and ``general`` hold a fixed score that evidence must
beat, so where nothing speaks the answer is one of them. Measured on the half that was not looked at while the table
was made: task type 0.53 (most frequent class: 0.21), domain 0.95 (0.85), intent 0.55. A stem with ``*`` stands for
all its endings.

The confidence is the softmax over the scores: a probability under the table, not a measured one.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import cast

from seasoned.model import Domain, Intent, TaskType

__all__ = ["Classes", "classify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """What a prompt was found to be."""

    task_type: TaskType
    task_type_confidence: float
    """0..1."""
    domain: Domain
    domain_confidence: float
    intent: Intent


_NOTHING = 1.0
"""Score of ``other`` and ``general``: two weak words, or one that is plain, outweigh it."""
_READ = 600
"""Characters of the prompt that are read: requests stand at the start, pasted logs and plans behind it."""
_OPENING = re.compile(
    r"^(?:(?:ok|okay|yes|yeah|yep|no|and|but|then|now|so|hmm|hey|hi|also|next|please|pls|just|great|cool|first|\d{1,2}"
    r"|can (?:you|we|i|u)|could (?:you|we|i)|would you|you|we|i(?:'d| would)? (?:want|need|like)|want|need|to"
    r"|let's do|let's|let us|maybe|should|go ahead and|like|bitte|kannst du|por favor|puedes"
    r"|peux-tu)\b[\s,.:!?\u276f>#-]*)*+([^\s,.:!?]+)"
)
"""The first word behind courtesies and acknowledgements: what is asked for."""
_ASKING = frozenset(
    "why how what who whose is are was were does do did has have when where which will isn't aren't doesn't didn't"
    " wouldn't shouldn't can could would should warum wie wer ist sind pourquoi comment est-ce qué cómo por-qué".split()
)
"""Words that make a question of a prompt when they open it; elsewhere they say nothing."""
_ASKED = 3.0
_GENERIC = frozenset("add write create make update put see check print show change use".split())
"""Verbs whose object says what is asked for (add a test, write a guide): they do not count double."""

_TASK: Mapping[TaskType, Mapping[float, str]] = {
    "debugging": {
        3.0: (
            "bug* debug* crash* traceback stacktrace segfault panic* regression broken fehler* fehlerbehebung erreur* "
            "bogue* corrige* corregir 修复 错误 バグ 修正 ошибк* исправ*"
        ),
        2.6: (
            "fix fixes fixed fixing fixen beheb* fail fails failed failing failure* error* exception* broke breaks "
            "wrong hang hangs leak* flaky"
        ),
        2.5: "problem* problems bug-report",
        2.0: "issue troubleshoot diagnos* incorrect* unexpected* stuck fatal deadlock overflow concern* complain*",
        1.5: (
            "blocked conflict* warn* missing swallow* duplicate happening repro* silently stopped null undefined "
            "investigate"
        ),
    },
    "testing": {
        3.5: "test tests testing unittest* pytest coverage e2e testcase* teste* test-* 测试 テスト тест* prueba* smoke",
        2.0: "assert* mock* fixture* spec specs benchmark* validate* validates",
        1.0: "integration check confirm verif*",
    },
    "refactoring": {
        3.0: (
            "refactor* rename renam* restructur* dedup* deduplicat* simplif* extract inline umbenennen refaktor* "
            "refactorise* reorganiz* 重构 リファクタ* рефактор*"
        ),
        2.5: (
            "consolidat* duplicated cleanup clean modulari* centralise centralize decouple split tidy dead unused "
            "move moved"
        ),
        2.0: "remove removed delete drop export* convert replace restructure unify reuse obsolete simpler",
    },
    "documentation": {
        3.5: (
            "readme changelog* docs documentation docstring* document faq dokumentation* documentación "
            "文档 ドキュメント документац*"
        ),
        2.5: "memo guide tutorial licen* diagram describe description wording typo release-notes glossary",
    },
    "operations": {
        3.0: (
            "commit push rebase merge deploy* release goreleaser docker* kubernetes k8s helm terraform pipeline "
            "homebrew cherry-pick bereitstellen 部署 デプロイ деплой* despliega*"
        ),
        2.0: (
            "ci workflow* tag publish install* build upgrade bump rollback configure linear ticket pr issue-tracker "
            "github-actions"
        ),
        1.0: "git branch",
    },
    "research": {
        3.0: (
            "explain explica* erklär* expliquer research compare difference investigate review understand 解释 説明 "
            "объясн*"
        ),
        2.5: "why warum wie pourquoi 为什么 なぜ qué cómo почему как question q",
        2.0: (
            "review's thoughts opinion analyz* analyse plan wonder look think thinking summar* behaviour behavior "
            "mean means possible evaluate"
        ),
        1.0: "? check see sure how what which",
    },
    "code_generation": {
        3.0: (
            "implement* create write generate build scaffold implementier* erstelle* crea* créer crée* ajoute* añad* "
            "hinzufüg* füge 实现 添加 创建 作成 追加 实装 созда* добав* напиши реализ*"
        ),
        2.5: "add adding introduce support include develop schreib* make",
        2.0: "feature* option flag print show display endpoint enhance extend combine change use suggestion* mvp",
        1.0: "function class method new command should button field struct approach",
    },
}
_DOMAIN: Mapping[str, Mapping[float, str]] = {
    "testing": {
        3.0: (
            "test tests testing unittest* pytest coverage e2e fixture* mock* *_test.go test_* jest vitest flaky smoke "
            "测试 テスト тест*"
        ),
    },
    "infrastructure": {
        3.0: (
            "docker* kubernetes k8s helm terraform ansible deploy* ci/cd ci goreleaser homebrew github-actions "
            "workflow* pipeline* nginx aws gcp azure cluster pod pods container*"
        ),
        2.0: "actions action release prometheus grafana systemd server infra monitoring 部署 release*",
    },
    "security": {
        3.0: (
            "security secret* vulnerab* cve xss csrf injection oauth jwt password* credential* encrypt* auth "
            "authentication authoriz* authoris* permission* tls x509 login rbac sicherheit* sécurité seguridad 安全 "
            "セキュリティ безопасн*"
        ),
        1.5: "redact* certificate* session-cookie sanitiz* gpg privacy",
    },
    "database": {
        3.0: (
            "database* sql postgres* sqlite mysql mongodb migration* schema query queries orm index redis alembic "
            "datenbank* 数据库 データベース баз* join n+1 transaction*"
        ),
        1.5: "table column row rows table* backfill",
    },
    "frontend": {
        3.0: (
            "frontend css html react vue svelte angular ui ux button* component* responsive tailwind browser dom "
            "accessibility modal dark-mode layout 前端 フロントエンド"
        ),
        1.5: "page* screen form menu style* theme icon image* click* hover",
    },
    "api_development": {
        3.0: "api apis endpoint* graphql grpc webhook* openapi swagger http 接口 rate-limit*",
        1.5: "response* route router header* pagination paginate",
    },
    "data": {
        3.0: (
            "etl dataset* pandas dataframe* parquet warehouse spark training model machine-learning ml csv notebook "
            "churn overfit* 数据 данны*"
        ),
        1.5: "data analytics plot chart statistic* outlier* feature-engineering",
    },
}
_FILES: tuple[tuple[str, str, float], ...] = (
    (r"(?:^|[/_-])tests?/|[_-]tests?\.\w+$|(?:^|/)test[_-][^/]*$|\.(?:spec|test)\.\w+$", "testing", 1.5),
    (
        r"(?:^|/)(?:dockerfile|docker-compose[^/]*|makefile|jenkinsfile)$|\.tf$|(?:^|/)\.github/|(?:^|/)(?:k8s|helm|charts|deploy)/",
        "infrastructure",
        2.0,
    ),
    (r"\.sql$|(?:^|/)migrations?/|(?:^|/)alembic/|\.prisma$", "database", 2.0),
    (r"\.(?:css|scss|less|html|vue|svelte|tsx|jsx)$", "frontend", 2.0),
    (r"(?:^|/)(?:api|routes|controllers|handlers)/|openapi|\.proto$|\.graphql$", "api_development", 1.5),
    (r"\.(?:ipynb|parquet|csv)$|(?:^|/)(?:etl|notebooks)/", "data", 2.0),
    (r"(?:^|/)(?:auth|security|crypto)/", "security", 2.0),
)
_INTENT: Mapping[TaskType, Intent] = {
    "debugging": "debug",
    "testing": "test",
    "refactoring": "develop",
    "documentation": "explain",
    "operations": "deploy",
    "research": "explain",
    "code_generation": "develop",
    "other": "other",
}
_WORD = re.compile(r"[\w+'-]++(?:[./][\w+-]++)*|\?|[^\s\w]")
_CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@cache
def _table(which: str) -> tuple[dict[str, list[tuple[str, float]]], dict[str, list[tuple[str, str, float]]]]:
    """The table turned over: word → its (class, weight); first letter → (stem, class, weight) of what is no whole word."""
    source = cast(Mapping[str, Mapping[float, str]], _TASK if which == "task" else _DOMAIN)
    whole: dict[str, list[tuple[str, float]]] = {}
    stems: dict[str, list[tuple[str, str, float]]] = {}
    for name, rows in source.items():
        for weight, words in rows.items():
            for word in words.split():
                if "*" in word or _CJK.search(word):
                    stem = word.strip("*")
                    stems.setdefault(stem[0], []).append((stem, name, weight))
                else:
                    whole.setdefault(word, []).append((name, weight))
    return whole, stems


@lru_cache(maxsize=16_384)
def _hits(which: str, word: str) -> tuple[tuple[str, float], ...]:
    """(class, weight) of one word, the heaviest stem counting. Kept: prompts share most of their words."""
    whole, stems = _table(which)
    hits = dict(whole.get(word, ()))
    for stem, name, weight in stems.get(word[0], ()):
        if weight > hits.get(name, 0.0) and word.startswith(stem):
            hits[name] = weight
    return tuple(hits.items())


def _evidence(which: str, words: Sequence[str], text: str) -> dict[str, float]:
    _, stems = _table(which)
    scores: dict[str, float] = {}
    for word in words:
        for name, weight in _hits(which, word):
            scores[name] = scores.get(name, 0.0) + weight
    if _CJK.search(text):
        for stem, name, weight in chain.from_iterable(stems.values()):
            if _CJK.search(stem) and stem in text:
                scores[name] = scores.get(name, 0.0) + weight
    return scores


def _decide(scores: Mapping[str, float], fallback: str) -> tuple[str, float]:
    full = {**scores, fallback: scores.get(fallback, 0.0) + _NOTHING}
    best = max(full, key=lambda name: (full[name], name == fallback, name))
    top = full[best]
    return best, round(1 / sum(math.exp(score - top) for score in full.values()), 3)


def classify(normalised: str, files: Sequence[str] = ()) -> Classes:
    """Task type, domain and intent of a normalised prompt and the files it touched. Never raises."""
    text = normalised[:_READ]
    words = list(dict.fromkeys(_WORD.findall(text)))
    task = _evidence("task", words, text)
    opening = _OPENING.match(text)
    if opening:
        if opening.group(1) not in _GENERIC:
            for name, weight in _evidence("task", [opening.group(1)], "").items():
                task[name] = task.get(name, 0.0) + weight
        if opening.group(1) in _ASKING:
            task["research"] = task.get("research", 0.0) + _ASKED
    domain = _evidence("domain", words, text)
    named = [word for word in words if "/" in word or "." in word]
    paths = list(dict.fromkeys([*named, *(file.replace("\\", "/").lower() for file in files[:50])]))
    for path in paths:
        for pattern, name, weight in _FILES:
            if re.search(pattern, path):  # compiled when a path is first met; kept by re
                domain[name] = domain.get(name, 0.0) + 2 * weight / len(paths)
    task_type, task_confidence = _decide(task, "other")
    domain_name, domain_confidence = _decide(domain, "general")
    kind = cast(TaskType, task_type)
    return Classes(
        task_type=kind,
        task_type_confidence=task_confidence,
        domain=domain_name,
        domain_confidence=domain_confidence,
        intent=_INTENT[kind],
    )
