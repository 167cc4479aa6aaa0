"""Whether a user's next words belong to the task before them, and what they say about its result.

One session is not one task, but "yes", "continue", "no, the other file" or "commit this" are no tasks of their own
either. The rules look at the words alone, and only at short or plainly marked ones: a task cut in two costs one
weak trace, two tasks glued together spoil both. So whatever carries a request of its own is a new task, also where it
builds on the last one.

They were written on one half of 311 hand-read pairs of consecutive prompts (47 sessions) and measured on the other;
``tests/data/entireio/followups.jsonl`` holds the short ones. English only: other languages fall through to a
new task, which is the harmless side.
"""

import re
from hashlib import blake2b
from typing import Literal

from seasoned.capture.loose import items_of
from seasoned.model import Document

__all__ = ["FollowUp", "asks_to_learn", "classify_follow_up", "remembered_words", "said_again", "user_verdict"]

FollowUp = Literal["acceptance", "rejection", "correction", "continuation"]

_LEARN = re.compile(r"^[/$](?:seasoned[:.])?learn(?=$|\s)")
"""The plugins' command as the agents write it: ``/seasoned:learn``, ``$learn``."""
_LEARN_PROMPT = "I approve the last task. `seasoned learn --approve "
"""What Gemini CLI makes of its command begins so."""
_LOOKED_AT = 1_000
"""Characters of a prompt that the phrase rules see."""
_SHORT = 12
"""Words up to which a prompt may consist of one of the phrases below and some filling."""
_WORD = re.compile(r"[\w'’./-]+")
_LEAD = re.compile(
    r"^(?:(?:ok(?:ay|i|ey)?(?: do(?:ki|key))?|alright|cool|good|great|nice|perfect|thanks|thx|right|hmm+|emm+"
    r"|please|pls|now|then|and|so|but"
    r"|well|oh|ah|just|also|sorry|hey|actually|yes|yxes|yeah|yep|yup|no|nah)\b[\s,.!:;-]*)+"
)
_YES = re.compile(r"^(?:yes|yeah|yep|yup|yxes|yess|ja|sure|exactly|correct|right|agreed|definitely|absolutely|y)\b")
_NO = re.compile(r"^(?:no|nope|nah?|not really)\b(?! (?:problem|worries|need|rush|idea))")
_OK = re.compile(r"^(?:ok(?:ay|i)?|alright)\b")
_GO_ON = re.compile(
    r"^(?:(?:can|could|would) you )?(?:please )?(?:just )?(?:continue|go on|go ahead|go for it|proceed|resume"
    r"|keep going"
    r"|keep it|carry on|pick up where|retry|try (?:it |this |that )?again|try once more|once more|again|next"
    r"|do (?:it|this|that|them|all|both|so)(?: all| then| now| please| too)*$)"
)
_LETS = re.compile(r"^let(?:'|’)?s (?:do|go|try|build|implement|continue|fix|start|finish|use)\b")
_ORDER = re.compile(
    r"^(?:(?:can|could|would) (?:you|we) )?(?:please )?(?:go ahead and )?(?:do|fix|apply|implement|add|try|finish"
    r"|address"
    r"|handle|resolve) (?:it|this|that|them|these|those|all|all of (?:it|them|these)|both)(?: then| now| please| too"
    r"| all)*$"
)
_CHOICE = re.compile(
    r"^(?:(?:can|could) you )?(?:please )?(?:(?:let(?:'|’)?s )?(?:do|fix|take|use|go with|apply|pick|choose|try) )?"
    r"(?:(?:option|issue|item|number|point|step)s? |#)?(?:\d{1,2}|[a-e])"
    r"(?:(?: ?(?:,|\+|&|and|or|/) ?)(?:\d{1,2}|[a-e]))*(?=$|[\s,.;])(?! (?:more|new|other|file|test))"
)
_ANSWERS = re.compile(r"^1[.)] ?(.+?) 2[.)] ?")
_DELIVER = re.compile(
    r"^(?:(?:can|could|would) you |let(?:'|’)?s |i(?:'|’)?d like to )?(?:please )?(?:make |do )?(?:git )?(?:an? )?"
    r"(?:meaningful )?(?:commit|push|merge|ship|squash|open (?:a |the )?(?:draft )?pr|create (?:a "
    r"|the )?(?:draft )?pr)s?"
    r"(?=$|[\s,.!?])(?! (?:message|hash|history|conflict|id|trailer|hook|findings))"
)
_PRAISE = re.compile(
    r"\b(?:works|working|worked)(?: now| fine| great| well| perfectly)*(?=$|[,.! ])|\bperfect\b|\bgreat\b|\bawesome\b"
    r"|\bexcellent\b|\blgtm\b|\blooks (?:good|great|right|fine|nice)\b|\bthank(?:s| you)\b|\bthx\b|\bwell done\b"
    r"|\bgood job\b|\bnice\b|\bcool\b|\blove it\b|\ball good\b|\b(?:it|that)(?:'|’)?s (?:good|fine|right|it"
    r"|correct)\b"
    r"|\bship it\b|\bgood (?:now|to go|to merge)\b|\bapproved?\b|\b(?:runs|passes|pass|fixed|solved) now\b"
)
_ORDERS = re.compile(
    r"^(?:add|write|create|make|update|remove|delete|change|fix|implement|show|use|run|move|rename|explain|check|test"
    r"|look|give|can|could|would|let|do|try|build|next|refactor|document|review|find)\b"
)
_NEGATED = re.compile(r"\b(?:not|n['’]t|never|no longer|nothing|hardly|only|but|except|however|although)\b|n['’]t\b")
_WRONG = re.compile(
    r"\bstill (?:fail|broken|not|doesn|isn|wrong|the same|get|see|crash|red|happen|there)|\bsame (?:error|issue"
    r"|problem|result)\b"
    r"|\b(?:do|did|does)(?:n['’]t| not) (?:work|help|compile|build|fix|run|show up|change anything)"
    r"|\bdont (?:work|show up)|\bnot working\b|\b(?:it|that|this)(?:'|’)?s (?:wrong|broken|not right|not what"
    r"|not correct|incorrect)"
    r"|\b(?:is|was)(?:n['’]t| not) (?:correct|right|what i)|\bnot what i\b|\bnot (?:seeing|getting) the\b"
    r"|\b(?:undo|revert|roll back|rollback) (?:it|this|that|these|your|the last|everything)\b|\byou broke\b"
    r"|^[\"'`]?[\w .:/-]{1,40}[\"'`]? (?:still )?fails\b"
)
_INSTEAD = re.compile(
    r"^(?:wait|actually|instead|rather|hold on|thinking again|on second thought|scratch that|i meant|i mean\b"
    r"|correction)"
    r"|\bmy point (?:is|was)\b|\bchange (?:in|of) plans?\b|^instead of\b|\b(?:do|use|try|make) (?:this|that"
    r"|it)\b.{0,60}\binstead\b"
    r"|\bignore (?:the|my) last\b|\bput (?:it|this|that|them) back\b|^(?:let(?:'|’)?s )?go back to (?:the|how|what)\b"
    r"|\byou (?:forgot|missed|misunderstood|didn['’]t|did not|should have|have old)\b|\bthat is not correct\b"
    r"|\bnot (?:the|a|an) \w+ (?:one|but)\b|^(?:option|approach|solution) \w+ (?:does|will|is|won)\w*(?:n['’]t"
    r"| not)\b"
    r"|\blet(?:'|’)?s stick (?:to|with)\b|\bi already (?:did|removed|fixed|added|changed|told|said)\b"
)
_QUESTION = re.compile(r"\?\s*$|^(?:what|why|how|when|where|who|which|is|are|does|do|did|was|were|any|should)\b")
_PROMPT_SIGN = re.compile(r"^(?:[❯➜λ$%#] ?\S|\S+ on \ue0a0|error: |fatal: |Traceback |=== RUN|Error: )")
_FAILURE_LINE = re.compile(
    r"^(?:exit status [1-9]|FAIL\b|--- FAIL|fatal: |error: |Error: |panic: |\S+\.\w+:\d+:\d+: )"
    r"|\bERROR task failed|failed: ",
    re.MULTILINE,
)


def classify_follow_up(previous_prompt: str, prompt: str, *, interrupted: bool) -> FollowUp | None:
    """What ``prompt`` is to the task in progress; None when it begins a new one.

    ``previous_prompt`` is the user's last words before; ``interrupted`` says that the user stopped the agent between.
    Reads at most 1000 characters, linear in them.
    """
    raw = prompt.strip()
    if asks_to_learn(raw):
        return "acceptance"
    if not raw or _same_again(previous_prompt, raw, interrupted=interrupted):
        return "continuation"
    pasted = _pasted_only(raw)
    if pasted:
        return pasted
    text = _folded(raw)
    words = len(_WORD.findall(text))
    kind = _by_phrase(text, words)
    if kind is None and interrupted and words <= 20 and not _QUESTION.search(text):
        return "correction"
    return kind


def asks_to_learn(prompt: str) -> bool:
    """Whether these words are the command by which a user approves the work before them."""
    text = prompt.lstrip()[:_LOOKED_AT]
    return _LEARN.match(text) is not None or text.startswith(_LEARN_PROMPT)


def user_verdict(text: str) -> bool | None:
    """True where the words accept the result, False where they reject it, None where they do neither."""
    kind = _by_phrase(folded := _folded(text.strip()), len(_WORD.findall(folded)))
    return {"acceptance": True, "rejection": False}.get(kind or "")


def _folded(text: str) -> str:
    return " ".join(text[:_LOOKED_AT].lower().split()).rstrip(" .!,;")


def _by_phrase(text: str, words: int) -> FollowUp | None:
    if words > 60:
        return None
    bare = _LEAD.sub("", text)
    rejected = _rejected(text, bare, words)
    if rejected is not None:
        return rejected
    if words <= _SHORT and not _QUESTION.match(bare):
        if not bare:
            return "acceptance" if _PRAISE.search(text) else "continuation"
        if _is_praise(text):
            return "acceptance"
        if bare.endswith((", continue", ". continue", ", go on", ", proceed")):
            return "continuation"
    if words <= _SHORT + 2 and _DELIVER.match(bare):
        return "acceptance"
    if _YES.match(text) and not re.search(r"\bbut (?:before|first)\b", text):
        return "continuation"
    if words <= _SHORT and (_GO_ON.match(bare) or _ORDER.match(bare.rstrip("?"))):
        return "continuation"
    if (_CHOICE.match(bare) and words <= 20) or _is_answers(text):
        return "continuation"
    if _LETS.match(bare) and (_OK.match(text) or words <= 4):
        return "continuation"
    return None


def _rejected(text: str, bare: str, words: int) -> FollowUp | None:
    if _NO.match(text):
        rest = _NO.sub("", text).lstrip(" ,.")
        if words <= 8 and _is_praise(rest):
            return "acceptance"
        return "correction" if rest else "rejection"
    asking = text.endswith("?")
    if _WRONG.search(text) and not asking:
        return "rejection" if words <= _SHORT else "correction"
    if not asking and (_INSTEAD.search(text) or _INSTEAD.search(bare)):
        return "correction"
    return None


def _is_praise(text: str) -> bool:
    """Praise and at most three words besides, none of them an order: more carries a request of its own."""
    if not _PRAISE.search(text) or _NEGATED.search(text):
        return False
    bare = _LEAD.sub("", text)
    return not _ORDERS.match(bare) and len(_WORD.findall(_PRAISE.sub(" ", bare))) <= 3


def _is_answers(text: str) -> bool:
    """``1. full 2. yes, add it 3. …``: short answers to numbered questions."""
    found = _ANSWERS.match(text)
    return found is not None and len(found[1]) <= 60 and len(text) <= 300


def _same_again(previous: str, prompt: str, *, interrupted: bool) -> bool:
    before, now = _folded(previous), _folded(prompt)
    if len(now) < 20:
        return now == before and now != ""
    if before == now:
        return True
    shorter, longer = sorted((before, now), key=len)
    if len(shorter) >= 20 and longer.startswith(shorter):
        return interrupted or len(shorter) >= 40
    if not interrupted:
        return False
    one, two = set(_WORD.findall(before)), set(_WORD.findall(now))
    return len(one & two) >= 0.7 * len(one | two)


def remembered_words(prompt: str) -> Document:
    """What ``said_again`` needs of a prompt when its text may not be kept: digests. JSON; at most 16 KB."""
    text = _folded(prompt.strip())
    return {
        "text": _digest(text),
        "length": len(text),
        "words": sorted({_digest(each) for each in _WORD.findall(text)}),
    }


def said_again(before: Document, prompt: str, *, interrupted: bool) -> bool:
    """Whether ``prompt`` repeats the one of which ``before`` was remembered, as ``classify_follow_up`` judges it; but a
    prompt of which it is only the beginning cannot be told."""
    now, length = _folded(prompt.strip()), before.get("length")
    if not isinstance(length, int) or not now or not length:
        return False
    if before.get("text") == _digest(now[:length]):
        return length == len(now) or length >= (20 if interrupted else 40)
    if not interrupted or len(now) < 20:
        return False
    one, two = set(items_of(before.get("words"))), {_digest(each) for each in _WORD.findall(now)}
    return len(one & two) >= 0.7 * len(one | two)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _pasted_only(raw: str) -> FollowUp | None:
    """Terminal output and nothing else: the user shows what came of it."""
    if not _PROMPT_SIGN.match(raw) or raw.startswith("# "):
        return None
    tail = raw[-300:].rstrip()
    last = tail.rsplit("\n", 1)[-1]
    if last.endswith("?") or re.match(r"(?:can|could|would|what|why|how|this|please|let)\b", last, re.IGNORECASE):
        return None
    return "correction" if _FAILURE_LINE.search(raw[:2_000]) or _FAILURE_LINE.search(tail) else "continuation"
