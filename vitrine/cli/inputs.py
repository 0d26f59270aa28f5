"""What a command reads: a model, pictures, labels."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from model_adapters.common.output_choice import OutputChoice
from model_adapters.onnx.detection.readings import Reading
from vitrine.cli.flags import add_flags, flag_values
from vitrine.cli.progress import tell
from vitrine.code_files import CodeWish
from vitrine.loading import loaded
from vitrine.model import Model
from vitrine.opening import Wishes
from vitrine.pictures import as_picture
from vitrine.prepared import PreparedModel
from vitrine.runner import Runners
from xai_core.errors import ImageError, ParamError
from xai_core.pictures.files import CAN_BE_REDUCED, Picture
from xai_core.pictures.opening import Opening
from xai_core.scores import THRESHOLD
from xai_core.types import Task

ASSUMED = '{evidence} "{name}" is assumed. Set it with --preprocessing if predictions look wrong.'


def add_model(parser: ArgumentParser) -> None:
    """Add the model argument, and the flags that override what is detected about it."""
    _add_file(parser)
    parser.add_argument("--preprocessing", metavar="P", help='a preset such as "-1..1" or "imagenet", or a JSON file')
    for choice in (param for param in OutputChoice.params if param.name in ("output", "scoring")):
        help_text = f"{choice.help[0].lower()}{choice.help[1:].rstrip('.')}"
        parser.add_argument(f"--{choice.name}", metavar="NAME", default=choice.default, help=help_text)
    parser.add_argument(
        "--reference", metavar="IMAGE", action="append", default=[], help="a picture that an embedding is compared with"
    )
    parser.add_argument(
        "--at-least",
        metavar="P",
        type=float,
        default=THRESHOLD,
        help="lowest probability of a predicted class, if several classes may be right",
    )
    parser.add_argument(
        "--label",
        metavar="NAME",
        action="append",
        default=[],
        help="name of a class; repeat it for each class, in the model's order; for CLIP and SigLIP, a label to choose "
        "from",
    )
    parser.add_argument(
        "--prompt", metavar="TEXT", help='for CLIP and SigLIP: the text around each label, such as "a photo of a {}"'
    )


def add_detector(parser: ArgumentParser) -> None:
    """Add the detector argument, and the flags that override what is detected about it."""
    _add_file(parser)
    add_reading(parser)


def add_reading(parser: ArgumentParser) -> None:
    """Add the flag that says how a detector's outputs are read."""
    names = ", ".join(param.name for param in Reading.params)
    parser.add_argument(
        "--reading",
        metavar="JSON",
        default="",
        help=f"what a detector's file does not say, as JSON: for ONNX how outputs are read, some of {names}; for other "
        'files settings such as {"smallest_side": 640}',
    )


def add_labels(parser: ArgumentParser) -> None:
    """Add the flag for the names of the classes."""
    parser.add_argument("--labels", metavar="FILE", help="names of the classes: txt, json or csv")


def opened_classifier(args: Namespace, runners: Runners, pictures: Sequence[Picture] = ()) -> Model:
    """Open the model of a command as a classifier; preprocessings are also tried on the pictures."""
    return _opened(args, runners, _of_classifier("classify", args, pictures=pictures))


def opened_of_classes(args: Namespace, runners: Runners, pictures: Sequence[Picture] = ()) -> Model:
    """Open the model of a command as a classifier, or as a segmentation network if it is one."""
    return _opened(args, runners, _of_classifier("classify", args, pictures=pictures, regions=True))


def opened_segmenter(args: Namespace, runners: Runners, pictures: Sequence[Picture] = ()) -> Model:
    """Open the model of a command as a segmentation network."""
    return _opened(args, runners, _of_classifier("segment", args, pictures=pictures))


def opened_detector(args: Namespace, runners: Runners) -> Model:
    """Open the model of a command as a detector."""
    return _opened(args, runners, Wishes("detect", reading=args.reading))


def opened_model(args: Namespace, runners: Runners) -> Model:
    """Open the model of a command for the task that was set, or for the one that was detected."""
    return _opened(args, runners, _of_classifier(args.task, args, reading=args.reading))


def say_what_is_assumed(model: Model) -> None:
    """Print to the error stream that the preprocessing is assumed, if it is."""
    if isinstance(model, PreparedModel) and (first := model.candidates[0]).assumed:
        print(ASSUMED.format(evidence=first.evidence, name=first.name), file=sys.stderr)


def add_opening(parser: ArgumentParser) -> None:
    """Add the flags that say how the files of pictures are opened."""
    add_flags(parser, Opening)


def read_pictures(args: Namespace, paths: Sequence[str]) -> list[Picture]:
    """Open pictures by path, and print what was changed in them to the error stream; an error names the picture."""
    pictures = [_picture(path, flag_values(args, Opening)) for path in paths]
    for picture in pictures:
        for note in picture.notes:
            print(f"{picture.name}: {note}", file=sys.stderr)
    return pictures


def _picture(path: str, settings: Mapping[str, Any]) -> Picture:
    try:
        return as_picture(path, **settings)
    except ImageError as error:
        way_out = " Add --reduce." if str(error).endswith(CAN_BE_REDUCED) else ""
        raise ImageError(f"{error}{way_out}") from error


def _of_classifier(task: Task | None, args: Namespace, **others: Any) -> Wishes:
    return Wishes(
        task,
        preprocessing=args.preprocessing,
        output=args.output,
        scoring=args.scoring,
        references=args.reference,
        threshold=args.at_least,
        **others,
    )


def _opened(args: Namespace, runners: Runners, wishes: Wishes) -> Model:
    named = getattr(args, "label", [])
    if named and getattr(args, "labels", None):
        raise ParamError("Name the classes with --label or with --labels, not both.")
    labels = named or getattr(args, "labels", None)
    labelled = replace(wishes, labels=labels, prompt=getattr(args, "prompt", None))
    return loaded(runners, args.model, labelled, args.architecture, tell, code=_code(args))


def _code(args: Namespace) -> CodeWish | None:
    if args.code is None and (args.class_name or args.arguments is not None):
        raise ParamError("--class and --arguments need --code. Add it, such as --code model.py.")
    return None if args.code is None else CodeWish(args.code, args.class_name, args.arguments)


def _add_file(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a model file, or the folder of a SavedModel or ONNX model")
    parser.add_argument(
        "--architecture", metavar="NAME", help="network of a bare state dict, such as torchvision/resnet18"
    )
    parser.add_argument(
        "--code",
        metavar="FILE",
        help="Python code that defines the network of bare weights, or the layers of a Keras file: a .py file, a zip "
        "or a folder; it runs in the sandbox",
    )
    parser.add_argument(
        "--class",
        dest="class_name",
        metavar="NAME",
        default="",
        help="class or function in the code that builds the network",
    )
    parser.add_argument(
        "--arguments", metavar="ARGS", help='arguments of that class or function, such as "num_classes=7, width=32"'
    )
