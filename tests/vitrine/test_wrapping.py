"""A model in memory is explained, and stays as it was."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import vitrine
from tests.small_net import LABELS, SIDE, SmallNet, traced

TENSOR = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def state_of(net: torch.nn.Module) -> dict[str, object]:
    """What must not change: values, gradients' flags, modes, devices, memory layout and hooks."""
    tensors = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    flags = [(p.requires_grad, p.grad is None, p.device, p.dtype, p.stride()) for p in net.parameters()]
    modes = [(part.training, len(part._forward_hooks), len(part._backward_hooks)) for part in net.modules()]
    return {"tensors": tensors, "flags": flags, "modes": modes}


def test_probabilities_are_those_of_the_module_in_eval_mode(wrapped, net, preprocessing):
    image = preprocessing.place(np.asarray(TENSOR.permute(1, 2, 0) * 255).round().astype(np.uint8))
    expected = copy.deepcopy(net).eval()(torch.from_numpy(preprocessing.normalise(image[None])).permute(0, 3, 1, 2))
    predictions = wrapped.predict(TENSOR)
    assert np.allclose(predictions.logits, expected.detach(), atol=1e-5)
    assert np.allclose(predictions.probabilities, expected.softmax(1).detach(), atol=1e-6)
    assert predictions.predicted == (LABELS[int(expected.argmax())],)


@pytest.mark.parametrize("method", ["grad_cam", "integrated_gradients", "rise", "lrp"])
def test_the_module_stays_as_it_was(net, preprocessing, method):
    before = state_of(net)
    with vitrine.wrap(net, preprocessing=preprocessing, labels=LABELS) as model:
        explanation = model.explain(method, TENSOR, target="dog", **({"samples": 100} if method == "rise" else {}))
        assert explanation.map.shape == (SIDE, SIDE)
        assert np.ptp(explanation.map) > 0
    after = state_of(net)
    assert all(torch.equal(tensor, after["tensors"][name]) for name, tensor in before["tensors"].items())
    assert (before["flags"], before["modes"]) == (after["flags"], after["modes"])


def test_the_random_numbers_of_pytorch_go_on_as_if_nothing_had_been_wrapped(net, preprocessing):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with vitrine.wrap(net, preprocessing=preprocessing) as model:
        model.explain("saliency", TENSOR)
    assert torch.equal(torch.rand(3), expected)


def test_the_settings_of_cudnn_are_restored(net, preprocessing):
    flags = torch.backends.cudnn
    before = flags.benchmark, flags.deterministic, flags.allow_tf32
    with vitrine.wrap(net, preprocessing=preprocessing) as model:
        model.predict(TENSOR)
    assert (flags.benchmark, flags.deterministic, flags.allow_tf32) == before


def test_what_was_wrapped_is_not_trained_further(wrapped, net):
    before = wrapped.predict(TENSOR).probabilities
    with torch.no_grad():
        net.last.weight.mul_(10)
    assert np.array_equal(wrapped.predict(TENSOR).probabilities, before)


def test_a_module_is_explained_as_its_file_is(wrapped, loaded, picture_file):
    ours, theirs = (model.explain("saliency", picture_file, target="fox") for model in (wrapped, loaded))
    assert np.abs(ours.map - theirs.map).max() <= 1e-4 * np.abs(theirs.map).max()


def test_hooks_of_the_module_still_act_on_what_it_says(net, preprocessing):
    plain = vitrine.wrap(net, preprocessing=preprocessing).predict(TENSOR).logits
    net.last.register_forward_hook(lambda module, given, output: 2 * output)
    doubled = vitrine.wrap(net, preprocessing=preprocessing).predict(TENSOR).logits
    assert np.allclose(doubled, 2 * plain, atol=1e-5)


def test_the_input_size_is_found_where_the_preprocessing_leaves_it_open(net):
    with vitrine.wrap(net, preprocessing="0..1") as model:
        assert model.preprocessing.height > 0
        assert model.predict(TENSOR).probabilities.shape == (1, len(LABELS))


def test_a_module_whose_input_is_no_square_is_wrapped_by_its_preprocessing():
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 20 * 36, 2))
    with vitrine.wrap(flat, preprocessing={"height": 20, "width": 36}) as model:
        assert model.explain("saliency", TENSOR).map.shape == (20, 36)


def test_gray_pictures_are_given_in_one_channel():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(2 * 26 * 26, 5))
    fields = {"height": 28, "width": 28, "channels": "gray", "mean": [0.5], "std": [0.5]}
    with vitrine.wrap(net, preprocessing=fields) as model:
        assert model.predict(TENSOR).probabilities.shape == (1, 5)


def test_a_tensor_that_was_computed_does_not_keep_a_module_from_being_copied(net, preprocessing):
    net.kept = net.last.weight * 2  # PyTorch refuses to copy such a tensor
    with vitrine.wrap(net, preprocessing=preprocessing) as model:
        assert model.predict(TENSOR).probabilities.shape == (1, len(LABELS))


def test_a_module_that_fails_is_reported_in_a_sentence():
    class Broken(torch.nn.Module):
        def forward(self, pictures):
            raise RuntimeError("a mistake of mine")

    with pytest.raises(vitrine.ModelError, match="no picture of 16 to 512 pixels"):
        vitrine.wrap(Broken())


def sparse_net():
    net = SmallNet()
    net.register_buffer("table", torch.eye(3).to_sparse())
    return net


@pytest.mark.parametrize(
    ("make", "name"),
    [(lambda: torch.nn.LazyLinear(4), "bias"), (sparse_net, "table"), (lambda: SmallNet().to("meta"), "bias")],
    ids=["lazy", "sparse", "meta"],
)
def test_a_module_whose_weights_have_no_values_is_refused_in_a_sentence(make, name):
    with pytest.raises(vitrine.ModelError, match=rf"The values of '.*({name})'.*Run a module with lazy layers once"):
        vitrine.wrap(make())


def test_what_is_no_model_is_refused():
    with pytest.raises(vitrine.ModelError, match=r"nn.Module or a Keras model; got str\. .*vitrine.load"):
        vitrine.wrap("model.onnx")


def test_labels_must_be_as_many_as_the_classes(net, preprocessing):
    with pytest.raises(vitrine.DataError, match=r"4 classes .* got 3 labels"):
        vitrine.wrap(net, preprocessing=preprocessing, labels=["a", "b", "c"])


def test_a_closed_model_says_how_to_open_it_again(net, preprocessing):
    model = vitrine.wrap(net, preprocessing=preprocessing)
    model.close()
    with pytest.raises(vitrine.ModelError, match=r"vitrine\.load or vitrine\.wrap"):
        model.predict(TENSOR)


def test_a_model_that_nothing_refers_to_is_released(net, preprocessing):
    model = vitrine.wrap(net, preprocessing=preprocessing)
    runner = model._runners.plain
    del model
    assert runner._closed


def test_a_script_in_memory_is_wrapped_too(preprocessing):
    with vitrine.wrap(traced(SmallNet()), preprocessing=preprocessing) as model:
        assert np.ptp(model.explain("saliency", TENSOR).map) > 0
