"""Read a pickle without importing or calling anything it names: every object becomes a record of its data.

`pickletools` decodes the opcodes. Plain values and containers are built; the rest is a `Reference` or a `Record`.
"""

from __future__ import annotations

import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Iterable
from typing import IO, Any

from model_adapters.files.records import PERSISTENT, Contents, Record, Reference
from xai_core.errors import RefusedModel

DAMAGED = "The Python pickle inside the file is damaged or cut short. Get a fresh copy."
MOST_STEPS = 5_000_000
TOO_LONG = f"The Python pickle inside the file has more than {MOST_STEPS:,} steps, which is the limit."
DEEPEST_KEY, LONGEST_KEY = 3, 16  # tuples within tuples, and items of each; hashing a deeper one may never end
_PLAIN_KEYS = (str, bytes, int, float, complex, bool, type(None), Reference, Record)
_MAKERS = ("copyreg._reconstructor", "copyreg.__newobj__")  # called with the class of the object to make


class Damaged(ValueError):
    """The pickle does what no writer of pickles does."""


def read(stream: IO[bytes]) -> Contents:
    """Read one pickle of any protocol; RefusedModel if it is damaged or exceeds a limit."""
    machine = Machine()
    try:
        return machine.run(pickletools.genops(stream))
    except RefusedModel:
        raise
    except Exception:  # genops raises many kinds on damaged input
        raise RefusedModel(DAMAGED) from None


class Machine:
    """The stack machine that a pickle is written for, with records in place of objects."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.references: dict[str, Reference] = {}
        self.calls: set[str] = set()
        self.storages: list[Record] = []

    def run(self, steps: Iterable[tuple[Any, Any, Any]]) -> Contents:
        """Follow all opcodes and return what is left at the end."""
        for count, (opcode, argument, _) in enumerate(steps):
            if count >= MOST_STEPS:
                raise RefusedModel(TOO_LONG)
            _STEPS[opcode.name](self, argument)
        if self.marks or len(self.stack) != 1:
            raise Damaged
        return Contents(self.stack[0], frozenset(self.references), frozenset(self.calls), tuple(self.storages))

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def mark(self, _: Any) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def pop(self, _: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.stack = self.marks.pop()

    def pop_mark(self, _: Any) -> None:
        self.since_mark()

    def wrap(self, count: int) -> None:
        self.stack[-count:] = [tuple(self.stack[-count:] if len(self.stack) >= count else _nothing())]

    def memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def get(self, place: int) -> None:
        self.push(self.memo[place])

    def append(self, items: list[Any]) -> None:
        holder = self.stack[-1]
        if not isinstance(holder, list | Record):
            raise Damaged
        (holder.items if isinstance(holder, Record) else holder).extend(items)

    def store(self, flat: list[Any]) -> None:
        holder = self.stack[-1]
        if not isinstance(holder, dict | Record):
            raise Damaged
        (holder.pairs if isinstance(holder, Record) else holder).update(_pairs(flat))

    def add(self, items: list[Any]) -> None:
        holder = self.stack[-1]
        if not isinstance(holder, set):
            raise Damaged
        holder.update(map(key, items))

    def refer(self, name: str) -> None:
        self.push(self.references.setdefault(name, Reference(name)))

    def stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise Damaged
        self.refer(qualified(module, name))

    def persistent(self, what: Any) -> None:
        record = Record(PERSISTENT, (what,))
        self.storages.append(record)
        self.push(record)

    def reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(arguments, tuple):
            raise Damaged
        if isinstance(function, Reference) and function.name in _MAKERS and arguments:
            self.make(arguments[0], arguments[1:])
            return
        name = function.name if isinstance(function, Reference) else _result_of(function)
        self.calls.add(name)
        self.push(Record(name, arguments))

    def new(self, extra: int) -> None:
        # NEWOBJ has the class and its arguments on the stack, NEWOBJ_EX keywords too, which become attributes.
        keywords = self.stack.pop() if extra else {}
        arguments, maker = self.stack.pop(), self.stack.pop()
        self.make(maker, arguments, keywords)

    def make(self, maker: Any, arguments: Any, keywords: Any = None) -> None:
        if not (isinstance(maker, Reference) and isinstance(arguments, tuple)):
            raise Damaged
        self.push(Record(maker.name, arguments, keywords or None))

    def make_since_mark(self, name: str | None) -> None:
        items = self.since_mark()
        if name is None:
            maker, *items = items
        else:
            self.refer(name)
            maker = self.stack.pop()
        self.calls.add(maker.name)
        self.make(maker, tuple(items))

    def build(self, _: Any) -> None:
        state, holder = self.stack.pop(), self.stack[-1]
        if not isinstance(holder, Record):
            raise Damaged
        holder.state = state


def qualified(module: str, name: str) -> str:
    """Return the full name of a class or function; names of Python 2 become those of Python 3."""
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    return f"{IMPORT_MAPPING.get(module, module)}.{name}"


def key(value: Any, depth: int = 0) -> Any:
    """Return a value that may be hashed safely; Damaged if it may not."""
    if isinstance(value, _PLAIN_KEYS):
        return value
    if not isinstance(value, tuple) or depth > DEEPEST_KEY or len(value) > LONGEST_KEY:
        raise Damaged
    return tuple(key(item, depth + 1) for item in value)


def _pairs(flat: list[Any]) -> dict[Any, Any]:
    if len(flat) % 2:
        raise Damaged
    return {key(flat[place]): flat[place + 1] for place in range(0, len(flat), 2)}


def _result_of(function: Any) -> str:
    if not isinstance(function, Record):
        raise Damaged
    return f"{function.name}()"


def _nothing() -> list[Any]:
    raise Damaged


def _pushes(make: Callable[[], Any]) -> Callable[[Machine, Any], None]:
    return lambda machine, _: machine.push(make())


def _puts_together(make: Callable[[list[Any]], Any]) -> Callable[[Machine, Any], None]:
    return lambda machine, _: machine.push(make(machine.since_mark()))


def _split(argument: str) -> str:
    return qualified(*argument.split(" ", 1))


_VALUES = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)
_STEPS: dict[str, Callable[[Machine, Any], None]] = {
    **dict.fromkeys(_VALUES, Machine.push),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine.get),
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), lambda machine, _: None),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), lambda machine, code: machine.refer(f"copyreg.extension_{code}")),
    "NONE": _pushes(lambda: None),
    "NEWTRUE": _pushes(lambda: True),
    "NEWFALSE": _pushes(lambda: False),
    "EMPTY_TUPLE": _pushes(tuple),
    "EMPTY_LIST": _pushes(list),
    "EMPTY_DICT": _pushes(dict),
    "EMPTY_SET": _pushes(set),
    "LIST": _puts_together(list),
    "TUPLE": _puts_together(tuple),
    "DICT": _puts_together(_pairs),
    "FROZENSET": _puts_together(lambda items: frozenset(map(key, items))),
    "TUPLE1": lambda machine, _: machine.wrap(1),
    "TUPLE2": lambda machine, _: machine.wrap(2),
    "TUPLE3": lambda machine, _: machine.wrap(3),
    "MARK": Machine.mark,
    "POP": Machine.pop,
    "POP_MARK": Machine.pop_mark,
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "MEMOIZE": Machine.memoize,
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.store([machine.stack.pop(), machine.stack.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.store(machine.since_mark()),
    "ADDITEMS": lambda machine, _: machine.add(machine.since_mark()),
    "GLOBAL": lambda machine, name: machine.refer(_split(name)),
    "STACK_GLOBAL": Machine.stack_global,
    "INST": lambda machine, name: machine.make_since_mark(_split(name)),
    "OBJ": lambda machine, _: machine.make_since_mark(None),
    "NEWOBJ": lambda machine, _: machine.new(0),
    "NEWOBJ_EX": lambda machine, _: machine.new(1),
    "REDUCE": Machine.reduce,
    "BUILD": Machine.build,
    "PERSID": Machine.persistent,
    "BINPERSID": lambda machine, _: machine.persistent(machine.stack.pop()),
}
