"""The same explanations by other libraries, for comparison: captum, pytorch-grad-cam and zennit.

They get a module from pictures to the explained score, made of copies of the network's parts. The copies share the
values of its weights but no objects, so that nothing a library leaves behind or replaces can reach the network.
"""

from __future__ import annotations

import contextlib
import copy
import io
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch

from model_adapters.pytorch.answers import answer
from model_adapters.pytorch.layers import Place
from xai_core.errors import ModelError, VitrineError
from xai_core.families.baselines import baseline_picture
from xai_core.families.channels import reduced
from xai_core.preprocessing import LUMA, Preprocessing
from xai_core.trust.peers import libraries_of
from xai_core.types import Card, Floats, Indices

# Each library's module is called like its package, and holds a function for each method in METHODS.
LIBRARIES = {
    library: f"model_adapters.pytorch.peers.{peer.package.replace('-', '_')}"
    for library, peer in libraries_of("pytorch").items()
}
NOT_INSTALLED = "{} is not installed here, so there is nothing to compare with."
STOPPED = "{} stopped with an error on this model ({}); compare another method, or with another library."
NOT_THERE = "{} has no method {!r} to compare with."
NO_PARTS = "{} acts on a network's {}, and this network has no such modules; compare another method or library."
SEALED = "{} needs a network's modules, which TorchScript keeps sealed; compare a method that needs less."


class FromPictures(torch.nn.Module):  # type: ignore[misc]
    """A network with its preprocessing built in: pictures (N, 3, H, W) in [0, 1] to scores (N, K).

    batch: the only batch size that the network takes, None for any. head: turns its outputs into the explained score.
    """

    def __init__(
        self, network: Any, preprocessing: Preprocessing, batch: int | None, head: Callable[[Any], Any]
    ) -> None:
        super().__init__()
        self.network = network
        self._channels, self._batch, self._head = preprocessing.channels, batch, head
        std, mean = (torch.tensor(values)[:, None, None] for values in (preprocessing.std, preprocessing.mean))
        self.factor = torch.nn.Parameter(preprocessing.scale / std, False)  # some libraries need one for the device
        self.register_buffer("shift", mean / std, persistent=False)
        self.register_buffer("luma", torch.from_numpy(LUMA)[:, None, None], persistent=False)

    def inputs(self, pictures: Any) -> Any:
        """Return what the network takes, (N, C, H, W), for pictures (N, 3, H, W)."""
        if self._channels == "gray":
            pictures = (pictures * self.luma).sum(1, keepdim=True)
        elif self._channels == "BGR":
            pictures = pictures.flip(1)
        return pictures * self.factor - self.shift

    def outputs(self, inputs: Any) -> Any:
        """Return the network's own outputs (N, K) for what it takes."""
        if self._batch is None:
            return answer(self.network, inputs)
        return torch.cat([self._padded(part) for part in inputs.split(self._batch)])

    def forward(self, pictures: Any) -> Any:
        return self._head(self.outputs(self.inputs(pictures)))

    def _padded(self, inputs: Any) -> Any:
        short = (self._batch or 0) - len(inputs)
        whole = torch.cat([inputs, inputs[-1:].expand(short, -1, -1, -1)]) if short else inputs
        return answer(self.network, whole)[: len(inputs)]


@dataclass(frozen=True)
class Question:
    """What a library explains: a module from pictures to scores, an image (H, W, 3) and a method's parameters.

    values: all parameters of the method. places: the network's layers by their modules' names in `module.network`.
    """

    module: FromPictures
    image: Floats
    values: Mapping[str, Any]
    places: Mapping[str, Place]
    device: Any

    @property
    def picture(self) -> Any:
        """The image as (1, 3, H, W), new each time."""
        return self.planes(self.image)

    @property
    def baseline(self) -> Any:
        return self.planes(baseline_picture(self.values["baseline"], self.image, self.seed))

    @property
    def seed(self) -> int:
        return int(self.values.get("seed", 0))

    @property
    def batch_size(self) -> int:
        return int(self.values.get("batch_size", 8))

    def planes(self, image: Floats) -> Any:
        return torch.tensor(np.ascontiguousarray(image.transpose(2, 0, 1))[None], device=self.device)

    def layers(self) -> list[tuple[Any, Place]]:
        """Return the modules of the chosen layers, or of the last layer if none is chosen."""
        chosen = tuple(self.values.get("layers", ())) or tuple(self.places)[-1:]
        modules = dict(self.module.network.named_modules())
        return [(modules[name], self.places[name]) for name in chosen]

    def check_parts(self, library: str, kinds: tuple[Any, ...], parts: str) -> None:
        """ModelError if the network has no module of the kinds that a library's rule acts on, such as "ReLUs"."""
        if not any(isinstance(part, kinds) for part in self.module.modules()):
            raise ModelError(NO_PARTS.format(library, parts))

    def one_channel(self, attributions: Any, reduction: str | None = None) -> Floats:
        """Return a map (H, W) of (1, 3, H, W), channels reduced by `reduction` or else as the parameters say."""
        values = attributions.detach().cpu().numpy()[0].transpose(1, 2, 0)
        how = reduction or str(self.values["reduction"])
        return np.asarray(reduced(values[None], how)[0], np.float32)


def maps(
    library: str,
    method: str,
    values: Mapping[str, Any],
    network: Any,
    card: Card,
    places: Mapping[str, Place],
    preprocessing: Preprocessing,
    image: Floats,
    targets: Indices,
) -> Floats:
    """Return a library's maps (T, h, w) of a `network`, a module, for an image (H, W, 3) in [0, 1].

    Random draws start from the same seed but differ from ours. ModelError if the library cannot explain this model.
    """
    if library not in LIBRARIES:
        raise ModelError(NOT_THERE.format(library[:40], method))
    device = next((tensor.device for tensor in _tensors(network)), torch.device("cpu"))
    with _isolated(library, network) as module:
        methods = import_module(LIBRARIES[library]).METHODS
        if method not in methods:
            raise ModelError(NOT_THERE.format(library, method))
        whole = FromPictures(module, preprocessing, card.input.batch, _head(card, values)).to(device).eval()
        question = Question(whole, image, values, places, device)
        torch.manual_seed(question.seed)
        np.random.seed(question.seed)  # captum draws from it
        with torch.enable_grad():
            return np.stack([np.asarray(methods[method](question, int(k)), np.float32) for k in targets])


@contextlib.contextmanager
def _isolated(library: str, network: Any) -> Iterator[Any]:
    """Yield a copy of the network; turn the library's errors into sentences and drop what it prints."""
    os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())
    state = torch.get_rng_state()
    try:
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stderr(io.StringIO()):
            yield _parts_anew(network)
    except VitrineError:
        raise
    except ImportError as error:
        raise ModelError(NOT_INSTALLED.format(library)) from error
    except Exception as error:
        reason = SEALED.format(library) if isinstance(network, torch.jit.ScriptModule) else None
        raise ModelError(reason or STOPPED.format(library, type(error).__name__)) from error
    finally:
        torch.set_rng_state(state)


def _parts_anew(network: Any) -> Any:
    """Return a copy of a module and all its submodules, with new tensor objects that share the original's storage."""
    if isinstance(network, torch.jit.ScriptModule):
        return network
    return copy.deepcopy(network, {id(tensor): _fresh(tensor) for tensor in _tensors(network)})


def _tensors(network: Any) -> tuple[Any, ...]:
    return (*network.parameters(), *network.buffers())


def _fresh(tensor: Any) -> Any:
    """Return a new object for the same values; a parameter remains a parameter."""
    same = tensor.detach()
    return torch.nn.Parameter(same, requires_grad=False) if isinstance(tensor, torch.nn.Parameter) else same


def _head(card: Card, values: Mapping[str, Any]) -> Callable[[Any], Any]:
    if values.get("score", "logit") == "logit" or card.gives == "probability":
        return lambda raw: raw
    return (lambda raw: torch.softmax(raw, 1)) if card.head == "softmax" else torch.sigmoid
