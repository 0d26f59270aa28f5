"""Text that comes from files and models, made safe to show."""

from __future__ import annotations

import re

_STARTS_A_LINK = re.compile(r"(?i)https?:(?=//)|www(?=\.)|(?=@)")
_NO_LINK = "\u2060"  # invisible; breaks up a link so that it is not recognised
_WORDS_AND_UNDERSCORES = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")
_CALL = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*(?=\()")
_LONGEST = 2000  # characters that are looked through
_SHORT_CODE = 30  # characters that read well inside a sentence
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$^&@=/])")


def literal(text: str, longest: int = 300) -> str:
    """Escape `text` so that Markdown shows it literally, without links, pictures or markup."""
    shown = text if len(text) <= longest else text[: longest - 1] + "…"
    apart = _STARTS_A_LINK.sub(lambda match: match.group() + _NO_LINK, " ".join(shown.split()))
    return _MARKDOWN.sub(r"\\\1", apart)


def without_code(sentence: str) -> tuple[str, list[str]]:
    """Return a sentence in which long lines of code are shortened, such as torch.save(…), and those lines whole."""
    sentence, parts, lines, at = sentence[:_LONGEST], [], [], 0
    for match in _CALL.finditer(sentence):
        end = _end_of_calls(sentence, match.end())
        if match.start() < at or end - match.start() < _SHORT_CODE:
            continue
        parts += [sentence[at : match.end()], "(…)"]
        lines.append(sentence[match.start() : end])
        at = end
    return "".join([*parts, sentence[at:]]), lines


def _end_of_calls(text: str, at: int) -> int:
    """Return where a call ends whose parenthesis opens at a place, with calls chained to it; `at` if it never does."""
    depth = 0
    for place in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            chained = re.match(r"(?:\.\w+)+(?=\()", text[place + 1 :])
            return _end_of_calls(text, place + 1 + chained.end()) if chained else place + 1
    return at


def identifier(name: str, longest: int = 60) -> str:
    """Return a name in code for a label. Screen readers read escapes aloud, so there are none where none are needed."""
    return name if _WORDS_AND_UNDERSCORES.fullmatch(name) and len(name) <= longest else literal(name, longest)


def percent(share: float) -> str:
    """Return a share as a percentage that distinguishes small values from zero."""
    return f"{share:.1%}" if share >= 0.0005 or share == 0 else "under 0.1%"


def seconds(value: float) -> str:
    """Return a duration in words: "under 0.1 s", "0.4 s", "12 s", "3 min 5 s"."""
    if value < 0.05:
        return "under 0.1 s"
    if value < 10:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def in_words(value: object) -> str:
    """Describe a parameter's value."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
