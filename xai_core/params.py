"""Parameters: declared once, as annotated fields; everything else is derived from the declaration.

steps: Annotated[int, Range(8, 512), "Points on the path from the baseline to the picture."] = 50
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from xai_core.errors import ParamError

Size = tuple[int, int]  # height, width in pixels


@dataclass(frozen=True)
class ShareOfSide:
    """A bound that depends on the model: a share of the shorter side of its input, in pixels."""

    share: float

    def __call__(self, size: Size | None) -> float:
        return float("inf") if size is None else int(min(size) * self.share)


@dataclass(frozen=True)
class Range:
    """Closed interval for a number; `step` is the slider's step, `unit` is shown after the value.

    steadier: whether a higher value makes the map less noisy or more accurate, at a cost.
    """

    low: float
    high: float | ShareOfSide
    step: float | None = None
    unit: str = ""
    steadier: bool = False

    def upper(self, size: Size | None) -> float:
        """Return the upper bound for a model with an input of `size`; infinite if that is unknown."""
        return self.high(size) if isinstance(self.high, ShareOfSide) else self.high


@dataclass(frozen=True)
class FromModel:
    """Mark a tuple of texts as names that come with the loaded model: its "layers"."""

    what: Literal["layers"]


@dataclass(frozen=True)
class OnlyIf:
    """Mark a parameter that matters only while an earlier one, `name`, has a `value`."""

    name: str
    value: Any

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the parameter matters beside these others, by name."""
        return bool(values[self.name] == self.value)

    @property
    def in_words(self) -> str:
        """The condition as a sentence."""
        state = {True: "on", False: "off"}[self.value] if isinstance(self.value, bool) else self.value
        return f"Used only if “{label_of(self.name)}” is {state}."


@dataclass(frozen=True)
class Param:
    """One parameter, read from its annotated field.

    kind: int, float, bool, str, or tuple for several of the `choices`; with `from_model` these come with the model.
    only_if: when it matters; None for always.
    """

    name: str
    kind: type
    default: Any
    help: str
    range: Range | None = None
    choices: tuple[str, ...] = ()
    from_model: str = ""
    only_if: OnlyIf | None = None

    @property
    def label(self) -> str:
        """The name as it is displayed."""
        return label_of(self.name)

    def fitting(self, size: Size | None) -> Any:
        """Return the default, limited to the range for a model with an input of `size`."""
        upper = self._upper(size)
        return self.default if self.range is None or self.default <= upper else self.kind(upper)

    def check(self, value: Any, size: Size | None = None) -> None:
        """Raise ParamError unless `value` has the right type and is in the range."""
        if not self._of_kind(value):
            raise ParamError(f"{self.label} must be {self._kind_in_words()}; got {value!r}.")
        for choice in value if self.kind is tuple else (value,):
            if self.choices and choice not in self.choices:
                raise ParamError(f"{self.label} must be one of {_listed(self.choices)}; got {choice!r}.")
        if self.range and not self.range.low <= value <= self.range.upper(size):
            raise ParamError(f"{self.label} must be between {self.bounds(size)}; got {value}.")

    def bounds(self, size: Size | None = None) -> str:
        """Return the range in words: "8 and 20,000", "4 px and 0.5 of the input's shorter side"."""
        assert self.range is not None
        unit = self.range.unit if self.range.unit in ("", "%") else f" {self.range.unit}"
        if size is None and isinstance(self.range.high, ShareOfSide):
            return f"{self.range.low:g}{unit} and {self.range.high.share:g} of the input's shorter side"
        return f"{self.range.low:,g} and {self._upper(size):,g}{unit}"

    def parse(self, text: str) -> Any:
        """Parse a value from text, as it comes from the command line or the page address."""
        if self.kind is tuple:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        try:
            return {"true": True, "false": False}[text.lower()] if self.kind is bool else self.kind(text)
        except (ValueError, KeyError):
            raise ParamError(f"{self.label} must be {self._kind_in_words()}; got {text!r}.") from None

    def from_json(self, value: Any) -> Any:
        """Return the value from its plain form in `Declared.values`."""
        return tuple(value) if self.kind is tuple else value

    def text(self, value: Any) -> str:
        """Return a value as text that `parse` accepts."""
        if self.kind is tuple:
            return ",".join(value)
        return str(value).lower() if self.kind is bool else str(value)

    def _upper(self, size: Size | None) -> float:
        return self.range.upper(size) if self.range else float("inf")

    def _of_kind(self, value: Any) -> bool:
        if self.kind is float:
            return isinstance(value, int | float) and not isinstance(value, bool) and value == value
        if self.kind is tuple:
            return isinstance(value, tuple) and all(isinstance(name, str) for name in value)
        return type(value) is self.kind

    def _kind_in_words(self) -> str:
        return KINDS_IN_WORDS[self.kind]


def label_of(name: str) -> str:
    """Return a parameter's name as it is displayed: "stop_at_noise" as "Stop at noise"."""
    words = " ".join("IoU" if word == "iou" else word for word in name.split("_"))
    return words[:1].upper() + words[1:]


KINDS_IN_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", tuple: "names"}
LISTED = 12


def _listed(choices: tuple[str, ...]) -> str:
    more = f" and {len(choices) - LISTED} more" if len(choices) > LISTED else ""
    return ", ".join(choices[-LISTED:]) + more


class Declared:
    """Base of frozen dataclasses whose annotated fields are parameters, such as methods and filters."""

    id: ClassVar[str]
    title: ClassVar[str]
    params: ClassVar[tuple[Param, ...]]

    def __post_init__(self) -> None:
        for param in self.params:
            param.check(getattr(self, param.name))
        self.check()

    @property
    def effort(self) -> Param | None:
        """The parameter that makes the map less noisy or more accurate, at a cost; None if there is none."""
        return next((param for param in self.params if param.range and param.range.steadier), None)

    def check(self) -> None:
        """Raise ParamError if fields contradict each other; subclasses with such rules override this."""

    def check_for(self, size: Size) -> None:
        """Raise ParamError if a field does not suit a model with an input of `size` (height, width)."""
        for param in self.params:
            param.check(getattr(self, param.name), size)

    @classmethod
    def fitted(cls, size: Size | None, parameters: Mapping[str, Any] | None = None) -> Self:
        """Build with these `parameters` and, for the rest, defaults that suit a model with an input of `size`."""
        parameters = parameters or {}
        if unknown := sorted(set(parameters) - {p.name for p in cls.params}):
            names = ", ".join(p.name for p in cls.params)
            raise ParamError(f"{cls.title} has no parameter {unknown[0]!r}; its parameters are {names or 'none'}.")
        values = {p.name: parameters.get(p.name, p.fitting(size)) for p in cls.params}
        made = cls(**values)
        if size is not None:
            made.check_for(size)
        return made

    def values(self) -> dict[str, Any]:
        """Return the parameters by name, as plain JSON values."""
        values = {p.name: getattr(self, p.name) for p in self.params}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Build from the result of `values`."""
        kinds = {p.name: p for p in cls.params}
        return cls(**{name: kinds[name].from_json(value) for name, value in values.items()})


def params_of(cls: type) -> tuple[Param, ...]:
    """Read the declarations from a dataclass; TypeError for a field without a help sentence or a default."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_read(f.name, hints[f.name], f.default) for f in fields(cls))


def _read(name: str, hint: Any, default: Any) -> Param:
    if get_origin(hint) is not Annotated or default is MISSING:
        raise TypeError(f"{name} needs an Annotated type and a default.")
    kind, *notes = get_args(hint)
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    sentence = next((n for n in notes if isinstance(n, str)), None)
    if sentence is None:
        raise TypeError(f"{name} needs a sentence that says what it does.")
    range_ = next((n for n in notes if isinstance(n, Range)), None)
    source = next((n.what for n in notes if isinstance(n, FromModel)), "")
    condition = next((n for n in notes if isinstance(n, OnlyIf)), None)
    words = f"{sentence} {condition.in_words}" if condition else sentence
    plain = str if choices else get_origin(kind) or kind
    return Param(name, plain, default, words, range_, choices, source, condition)
