"""Build a network of transformers from its config.json and fill it with weights; every tensor is accounted for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from model_adapters.pytorch.finding.flat import flat_tensors
from model_adapters.pytorch.hugging_face.library import library
from model_adapters.pytorch.hugging_face.tasks import Opener
from xai_core.errors import UnsupportedModel, is_of_memory

IGNORED = {
    *("auto_map", "custom_pipelines", "name_or_path", "_name_or_path", "transformers_weights", "fusion_config"),
    *("attn_implementation", "_attn_implementation", "_attn_implementation_internal", "_attn_implementation_autoset"),
    *("experts_implementation", "_experts_implementation", "dtype", "torch_dtype", "torchscript", "pruned_heads"),
    *("output_hidden_states", "output_attentions", "return_dict", "use_return_dict", "use_pretrained_backbone"),
}
QUANTISED = "The weights are quantised (quantization_config in config.json). Save the model in float32 or float16."
SHOWN = 3


def built(opener: Opener, config: Mapping[str, Any], content: Any) -> tuple[Any, tuple[str, ...]]:
    """Return the network with its weights, and notes on tensors that it has no use for.

    Raises UnsupportedModel if config.json does not describe such a network, or if weights are missing or do not fit.
    """
    if config.get("quantization_config"):
        raise UnsupportedModel(QUANTISED)
    tensors = flat_tensors(content)
    try:
        with warnings.catch_warnings(action="ignore"):
            settings = _settings(opener, config)
            module, fit = opener.class_itself.from_pretrained(
                None,
                config=settings,
                state_dict={name: t.float() if t.is_floating_point() else t for name, t in tensors.items()},
                dtype=torch.float32,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                local_files_only=True,
            )
    except ImportError as error:
        raise UnsupportedModel(_needs(opener, error)) from None
    except Exception as error:  # its checks of a configuration raise anything
        if is_of_memory(error):
            raise
        raise UnsupportedModel(
            f"config.json does not describe a {opener.name} that transformers {library().__version__} can build "
            f"({type(error).__name__}). Get a fresh copy, or export the model as ONNX."
        ) from error
    _check(fit, opener, len(module.state_dict()))
    return module, _notes(sorted(fit["unexpected_keys"]), len(tensors))


def _settings(opener: Opener, config: Mapping[str, Any]) -> Any:
    kind = library("models.auto.configuration_auto").CONFIG_MAPPING[opener.model_type]
    return kind.from_dict(_plain(config))


def _plain(values: Any) -> Any:
    """Return a configuration without what names code, other files or ways of computing."""
    if isinstance(values, Mapping):
        return {name: _plain(value) for name, value in values.items() if name not in IGNORED}
    return [_plain(value) for value in values] if isinstance(values, list) else values


def _check(fit: Mapping[str, Any], opener: Opener, wanted: int) -> None:
    if missing := sorted(fit["missing_keys"]):
        raise UnsupportedModel(
            f"{len(missing)} of the {wanted} tensors of {opener.name} are missing from the weights, {_some(missing)}; "
            "they would be random. Save the trained model with its head."
        )
    if different := sorted(fit["mismatched_keys"], key=lambda parts: str(parts[0])):
        name, stored, needed = different[0]
        raise UnsupportedModel(
            f"{len(different)} tensors do not have the shape that config.json describes: {str(name)[:80]} is "
            f"{_shape(stored)}, expected {_shape(needed)}. Pack the config.json that belongs to the weights."
        )


def _notes(unused: list[str], held: int) -> tuple[str, ...]:
    return (f"{len(unused)} of {held} tensors in the file have no place in the network: {_some(unused)}.",) * bool(
        unused
    )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(name[:80] for name in names[:SHOWN])}{more}"


def _shape(shape: Any) -> str:
    return "x".join(map(str, shape)) or "a single number"


def _needs(opener: Opener, error: ImportError) -> str:
    needed = f"the library {error.name[:40]}" if error.name else "a library"
    return f"{opener.name} needs {needed}, which is not installed on this server. Export the model as ONNX."
