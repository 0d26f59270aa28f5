"""Copy a PyTorch network with a random last layer; everything else is shared."""

from __future__ import annotations

import copy
from typing import Any

import torch

from xai_core.errors import UnsupportedModel

NOTHING = "this network has no weights that could be randomised."


def randomised(module: Any, classes: int, seed: int) -> Any:
    """Return a copy of a module whose last layer has normal random weights; UnsupportedModel if it has none.

    They have the standard deviation of the weights that they replace. All other tensors are those of the module
    itself, which stays as it is.
    """
    tensors, draws = tensors_of(module), torch.Generator().manual_seed(seed)
    for name in last_layers(module, classes):
        *path, leaf = name.split(".")
        old = tensors[name]
        fresh = torch.randn(old.shape, generator=draws) * old.float().std().cpu()
        module = _with_tensor(module, path, leaf, torch.empty_like(old).copy_(fresh))
    return module


def last_layers(module: Any, classes: int) -> list[str]:
    """Return the name of the weight of the last layer that gives `classes` values, or else of the last layer.

    Matrices, which may be stored transposed, take precedence over kernels. Two heads side by side, such as "head" and
    "head_dist" of distilled transformers, are both named.
    """
    weights = {name: t.shape for name, t in tensors_of(module).items() if t.dim() > 1 and t.is_floating_point()}
    if not weights:
        raise UnsupportedModel(NOTHING)
    matrices = [name for name, shape in weights.items() if len(shape) == 2 and classes in shape]
    kernels = [name for name, shape in weights.items() if shape[0] == classes]
    last = (matrices or kernels or [*weights])[-1]
    return [name for name in matrices if _is_head_beside(name, last) and weights[name] == weights[last]] or [last]


def _is_head_beside(name: str, last: str) -> bool:
    """Whether the layers' names are equal, or the second extends the first, as in "head_dist"."""
    layer, leaf = name.rpartition(".")[::2]
    return name == last or (bool(layer) and last.startswith(f"{layer}_") and last.endswith(f".{leaf}"))


def tensors_of(module: Any) -> dict[str, Any]:
    """Return the parameters and buffers of a module by their names."""
    return {name: tensor.detach() for name, tensor in (*module.named_parameters(), *module.named_buffers())}


def occurrences(module: Any, tensor: Any) -> int:
    """Return how many places in a module hold the same tensor, as when layers share weights."""
    tensors = (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False))
    return sum(each.data_ptr() == tensor.data_ptr() for _, each in tensors)


def _with_tensor(module: Any, path: list[str], leaf: str, tensor: Any) -> Any:
    """Return a copy of a module along a path of children, at whose end a tensor is replaced."""
    if isinstance(module, torch.jit.ScriptModule):
        return torch.jit._recursive.wrap_cpp_module(_with_tensor_in_script(module._c, path, leaf, tensor))
    made = object.__new__(type(module))  # an exported graph's own copy would lose hooks
    made.__dict__.update(module.__dict__)
    for part in ("_parameters", "_buffers", "_modules"):
        made.__dict__[part] = dict(module.__dict__[part])
    for part in [part for part in made.__dict__ if part.endswith("_hooks")]:
        made.__dict__[part] = copy.copy(module.__dict__[part])
    if path:
        made._modules[path[0]] = _with_tensor(module._modules[path[0]], path[1:], leaf, tensor)
    elif leaf in made._parameters:
        made._parameters[leaf] = torch.nn.Parameter(tensor, requires_grad=False)
    else:
        made._buffers[leaf] = tensor
    return made


def _with_tensor_in_script(module: Any, path: list[str], leaf: str, tensor: Any) -> Any:
    made = copy.copy(module)
    if path:
        made.setattr(path[0], _with_tensor_in_script(module.getattr(path[0]), path[1:], leaf, tensor))
    else:
        made.setattr(leaf, tensor)
    return made
