"""The `vitrine` command: open the app, check a model, predict, explain, list the methods, measure bias."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import xai_core.detection.methods
import xai_core.filters
import xai_core.methods  # noqa: F401
from vitrine.cli import app, bias, check, detect, explain, methods, predict, segment
from vitrine.cli.progress import tell
from vitrine.runner import Runners, local_runner, remembered
from xai_core import __version__
from xai_core.detection.method import DETECTION_METHODS
from xai_core.errors import (
    ChooseArchitecture,
    ChooseEntry,
    ChooseOutput,
    DataError,
    ImageError,
    ModelError,
    OutOfMemory,
    ParamError,
    TimedOut,
    TryAsClassifier,
    TryAsDetector,
    TryAsSegmenter,
    TypeLabels,
    VitrineError,
    WorkerDied,
    unexpected,
)
from xai_core.guide import method_of_any_task
from xai_core.hidden_methods import check_hidden_methods

COMMANDS = {
    "app": (app, "open the app in a browser"),
    "check": (check, "show what a model file is and what it supports"),
    "predict": (predict, "print the most probable classes of pictures"),
    "detect": (detect, "print the boxes that a detector finds in pictures"),
    "segment": (segment, "segment pictures and print the share of each class"),
    "methods": (methods, "list the explanation methods and their parameters"),
    "explain": (explain, "explain a prediction, a region or a box, and write the result to files"),
    "bias": (bias, "show where a classifier is unfair, from a table of its predictions"),
}
WAY_OUT: dict[type[VitrineError], str] = {
    ChooseOutput: "Repeat the command with --output NAME.",
    ChooseArchitecture: "Repeat the command with --architecture NAME, or with --code FILE.",
    ChooseEntry: 'Repeat the command with --class NAME. To change its arguments, add --arguments "num_classes=7".',
    TypeLabels: 'Repeat the command with --label "a cat" --label "a dog" and so on, or --labels FILE.',
    TryAsDetector: "For a detector, use vitrine detect, or vitrine explain with a method for boxes: "
    f"{', '.join(sorted(DETECTION_METHODS))}.",
    TryAsSegmenter: "For a segmentation network, use vitrine segment, or vitrine explain with a region.",
    TryAsClassifier: "For a classifier, use vitrine predict, or vitrine explain with a method for classes.",
}
FAILED, BAD_INPUT, BAD_MODEL, LIMIT, INTERRUPTED = 1, 2, 3, 4, 130
CODES_IN_WORDS = (
    "Exit codes: 0 done, 1 Vitrine failed, 2 wrong arguments, pictures or data, 3 the model cannot be used, 4 it "
    "exceeded its deadline or its memory limit, 130 interrupted."
)
EXIT_CODES: dict[type[VitrineError], int] = {  # the first that fits an error
    ParamError: BAD_INPUT,
    ImageError: BAD_INPUT,
    DataError: BAD_INPUT,
    TimedOut: LIMIT,
    OutOfMemory: LIMIT,
    ModelError: BAD_MODEL,
    WorkerDied: BAD_MODEL,
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are sentences."""

    def error(self, message: str) -> NoReturn:
        raise ParamError(f"{message[0].upper()}{message[1:]}; see {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (`CODES_IN_WORDS`); the message of a failure is on stderr."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        _run(arguments)
    except VitrineError as error:
        _complain(f"{error} {WAY_OUT.get(type(error), '')}".strip(), _listed(error))
        return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def parser() -> Parser:
    """Return the parser of all commands, with flags generated from the declarations of methods and filters."""
    about = "See why an image model gave its answer."
    whole = Parser(prog="vitrine", description=about, epilog=CODES_IN_WORDS, allow_abbrev=False)
    whole.add_argument("--log", metavar="FILE", help="write a log with tracebacks to a file")
    whole.add_argument("--version", action="version", version=f"vitrine {__version__}")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, sentence) in COMMANDS.items():
        command = commands.add_parser(name, help=sentence, description=sentence.capitalize() + ".", allow_abbrev=False)
        module.add_arguments(command)
    return whole


def _run(arguments: list[str]) -> None:
    if arguments[:1] == ["explain"] and len(arguments) > 1 and not arguments[1].startswith("-"):
        method_of_any_task(arguments[1])
    args, unknown = parser().parse_known_args(_joined(arguments))
    if unknown:
        command = " ".join(filter(None, (args.command, getattr(args, "method", None))))
        raise ParamError(f"Unrecognized arguments: {' '.join(unknown)}; see vitrine {command} --help.")
    check_hidden_methods()
    runner = local_runner()
    runners = Runners(runner, remembered(runner) if getattr(args, "cache", False) else runner)
    with _logging_to(args.log):
        try:
            _answer(args, runners)
        finally:
            tell("")
            runners.remembering.close()


def _answer(args: argparse.Namespace, runners: Runners) -> None:
    """Run a command; an error that no message foresees becomes a sentence, and its traceback goes to the log."""
    try:
        COMMANDS[args.command][0].run(args, runners)
    except (VitrineError, BrokenPipeError):
        raise
    except Exception as error:
        sentence = unexpected(error, "Vitrine failed")
        raise VitrineError(str(sentence) if args.log else f"{sentence} Run it again with --log FILE.") from error


@contextmanager
def _logging_to(path: str | None) -> Iterator[None]:
    """Send the log to a file, or nowhere: the terminal is for results and messages."""
    try:
        sink = logging.NullHandler() if path is None else logging.FileHandler(path)
    except OSError as error:
        raise ParamError(f"Cannot write the log to {path}: {error.strerror}. Choose a different file.") from error
    root = logging.getLogger()
    before = root.level
    root.addHandler(sink)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(sink)
        sink.close()


def _joined(arguments: list[str]) -> list[str]:
    """Join "--preprocessing -1..1" into one word, since argparse would read its second half as a flag."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--preprocessing":
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _listed(error: VitrineError) -> list[str]:
    """Return what an error asks to choose from, a line each."""
    choices = error.outputs if isinstance(error, ChooseOutput) else ()
    choices = error.entries if isinstance(error, ChooseEntry) else choices
    return [f"  {choice.in_words}" for choice in choices]


def _complain(sentence: str, lines: Sequence[str] = ()) -> None:
    tell("")
    print(sentence, *lines, sep="\n", file=sys.stderr)
