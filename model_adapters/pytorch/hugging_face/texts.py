"""Turn texts into the numbers of a folder's own tokenizer."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from model_adapters.pytorch.hugging_face.folder import Folder
from xai_core.errors import RefusedModel, UnsupportedModel

FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"
MISSING = (
    f"The folder has no {FILE}, which is needed to read texts. Save it beside the weights: "
    "AutoTokenizer.from_pretrained(name).save_pretrained(folder), then pack the folder again."
)
BROKEN = f"{FILE} is damaged, or was written by a newer version of tokenizers. Get a fresh copy."
TOO_MANY = (
    "The tokenizer returns token {number}, but the model knows {count} tokens. Pack the tokenizer that belongs to the "
    "model."
)
CUT = "{count} of the texts {are} longer than the {longest} tokens that the model reads; their ends were cut off."


@dataclass(frozen=True)
class Tokens:
    """Texts as numbers (K, length), a mask of the same shape for the words that are no padding, and notes."""

    numbers: Any
    mask: Any
    notes: tuple[str, ...]


def tokens_of(
    folder: Folder, tokenizer: Any, texts: Sequence[str], config: Any, fill: bool, lower: bool = False
) -> Tokens:
    """Return texts as numbers. config: of the model's part for texts. fill: whether all are padded to its length.

    lower: whether they are written in lower case first, which the file of a tokenizer may not say. Raises RefusedModel
    if the tokenizer is of a different model.
    """
    padding = _padding(folder, tokenizer, config)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    rows = [tokenizer.encode(text.lower() if lower else text).ids for text in texts]
    longest = config.max_position_embeddings
    kept = [row if len(row) <= longest else [*row[: longest - 1], row[-1]] for row in rows]  # the last one is the end
    _check(kept, config.vocab_size)
    width = longest if fill else max(map(len, kept))
    numbers = torch.tensor([row + [padding] * (width - len(row)) for row in kept])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in kept])
    return Tokens(numbers, mask, _notes(sum(len(row) > longest for row in rows), longest))


def tokenizer_in(folder: Folder) -> Any:
    """Return a folder's tokenizer; UnsupportedModel if there is none, RefusedModel if it is damaged."""
    if not (folder.place / FILE).is_file():
        raise UnsupportedModel(MISSING)
    try:
        return importlib.import_module("tokenizers").Tokenizer.from_file(str(folder.place / FILE))
    except Exception:  # the library raises plain Exceptions
        raise RefusedModel(BROKEN) from None


def _padding(folder: Folder, tokenizer: Any, config: Any) -> int:
    """Return the number that stands for no word."""
    if tokenizer.padding:
        return int(tokenizer.padding["pad_id"])
    named = (folder.json(SETTINGS) or {}).get("pad_token")
    text = named.get("content") if isinstance(named, dict) else named
    number = tokenizer.token_to_id(text) if isinstance(text, str) else None
    return int(number if number is not None else getattr(config, "pad_token_id", None) or 0)


def _check(rows: Sequence[Sequence[int]], count: int) -> None:
    largest = max((max(row, default=0) for row in rows), default=0)
    if largest >= count:
        raise RefusedModel(TOO_MANY.format(number=largest, count=count))
    if not all(rows):
        raise RefusedModel(BROKEN)


def _notes(cut: int, longest: int) -> tuple[str, ...]:
    return (CUT.format(count=cut, are="is" if cut == 1 else "are", longest=longest),) if cut else ()
