"""Find words that read like a translation, in the documentation and in the string literals of the code.

Run it without arguments from anywhere; it prints one line per finding and exits with 1 if there are any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHECKED = (
    "*.md",
    "docs/**/*.md",
    "*.py",
    *(f"{room}/**/*.{kind}" for room in ("vitrine", "xai_core", "model_adapters") for kind in ("py", "js")),
    *(f"{room}/**/*.py" for room in ("pages", "samples", "scripts", "benchmarks", "vitrine_logger")),
)
INSTEAD = {
    "can not(?! only)": "cannot",
    "nought": "zero",
    "mend(?:s|ed|ing)?": "fix",
    "parted by": "separated by",
    "(?:is|are|was|were|be) taken for": "predicted as",
    "hang(?:s|ing)? on|hung on": "depend on",
    "in force": "active",
    "whichever": "the one that",
    "thereof": "of it",
    "turn and turn about": "alternately",
    "told (?:by|from)": "detected from",
    "(?:can|could|is|are|be) told(?! by| from)(?: apart)?": "determined, or distinguished",
    "such as (?:do|does) not": "those that do not",
    "at hand": "available, or open",
    "gives another": "gives a different",
    "each of them another": "each of them a different",
    "(?:somebody|a person|the person)": "you, a user, or users",
    "one a line": "one per line",
    "brought to": "scaled to, or converted to",
    "anew": "again",
    "all the while": "throughout",
    "(?:at most|exactly|every|divide|of) so many": "the name of the number, such as `seconds`",
    "(?:a|its|the|bare) state_dict": "state dict",
}
PHRASES = (rf"(?P<w{n}>{words})" for n, words in enumerate(INSTEAD))
BANNED = re.compile(rf"\b(?:{'|'.join(PHRASES)})\b".replace(" ", r"\s+"))  # of lower-case text
SPACED_PERCENT = re.compile(r"(?:^|[\d}]) %(?=[\s.,;:|)\"`']|$)")  # after a number, or a value that an f-string inserts
ADVICE = tuple(INSTEAD.values())
JS_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.S)


def findings(path: Path) -> Iterator[str]:
    """Yield a sentence for each banned phrase or spaced percent sign in a Markdown, Python or JavaScript file."""
    text = path.read_text("utf-8")
    if not BANNED.search(text.lower()) and " %" not in text:
        return
    for line, passage in passages(text, path.suffix):
        for match in BANNED.finditer(passage.lower()):
            where = line + passage.count("\n", 0, match.start())
            words, advice = " ".join(match[0].split()), ADVICE[int((match.lastgroup or "w0")[1:])]
            yield f"{where}: found {words!r}, write {advice!r} instead."
        for match in SPACED_PERCENT.finditer(passage):
            where = line + passage.count("\n", 0, match.start())
            yield f"{where}: found a space before %; write 5%, not 5 %."


def passages(text: str, suffix: str) -> Iterator[tuple[int, str]]:
    """Yield the passages to check, each with its first line: a whole page, or the string literals of a program."""
    if suffix == ".md":
        yield 1, text
    elif suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
    else:
        for token in JS_TOKEN.finditer(text):
            if not token[0].startswith("/"):
                yield text.count("\n", 0, token.start()) + 1, token[0]


def checked_files(root: Path = ROOT) -> list[Path]:
    """Return the files to check, without this one, which lists the banned words."""
    files = {path for pattern in CHECKED for path in root.glob(pattern)} - {Path(__file__).resolve()}
    return sorted(files)


def main() -> int:
    """Print all findings; return the exit code."""
    lines = [f"{path.relative_to(ROOT)}:{finding}" for path in checked_files() for finding in findings(path)]
    print("\n".join(lines) or "No banned words.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
