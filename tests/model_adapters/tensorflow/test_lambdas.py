"""A Lambda layer whose code is a known preprocessing becomes a plain layer; its code is data and never runs."""

from __future__ import annotations

import base64
import marshal

import numpy as np
import pytest

from model_adapters.files import code_marshal
from model_adapters.tensorflow import lambdas
from model_adapters.tensorflow.lambdas import Affine

# `lambda x: x / 127.5 - 1`, as marshal.dumps of each version of Python writes it.
BY_VERSION = {
    "3.7": (
        "4wEAAAAAAAAAAQAAAAIAAABDAAAAcwwAAAB8AGQBGwBkAhgAUwApA07nAAAAAADgX0DpAQAAAKkAKQHaAXhyAwAAAHIDAAAA+gov"
        "dG1wL21rLnB52gg8bGFtYmRhPgIAAADzAAAAAA=="
    ),
    "3.8": (
        "4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMMAAAAfABkARsAZAIYAFMAKQNO5wAAAAAA4F9A6QEAAACpAKkB2gF4cgMAAAByAwAA"
        "APoKL3RtcC9tay5wedoIPGxhbWJkYT4CAAAA8wAAAAA="
    ),
    "3.10": (
        "4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMMAAAAfABkARsAZAIYAFMAKQNO5wAAAAAA4F9A6QEAAACpAKkB2gF4cgMAAAByAwAA"
        "APoKL3RtcC9tay5wedoIPGxhbWJkYT4CAAAAcwIAAAAMAA=="
    ),
    "3.12": (
        "4wEAAAAAAAAAAAAAAAIAAAADAAAA8xIAAACXAHwAZAF6CwAAZAJ6CgAAUwApA07nAAAAAADgX0DpAQAAAKkAqQHaAXhzAQAAACD6"
        "Ci90bXAvbWsucHn6CDxsYW1iZGE+cggAAAACAAAAcw4AAACAAJAhkEWRJ5ghkSmAAPMAAAAA"
    ),
    "3.13": (
        "4wEAAAAAAAAAAAAAAAIAAAADAAAA8xIAAACVAFUAUwEtCwAAUwItCgAAJAApA07nAAAAAADgX0DpAQAAAKkAqQHaAXhzAQAAACDa"
        "Ci90bXAvbWsucHnaCDxsYW1iZGE+cggAAAACAAAAcwwAAACAAJAhkEWRJ5ghkinzAAAAAA=="
    ),
}
SCALES = [
    (lambda x: x / 255, Affine(1 / 255, 0.0)),
    (lambda x: x / 255.0 * 2 - 1, Affine(2 / 255, -1.0)),
    (lambda x: (x - 127.5) / 127.5, Affine(1 / 127.5, -1.0)),
    (lambda x: 1 - x, Affine(-1.0, 1.0)),
]
OTHERS = [
    lambda x: x * x,
    lambda x: 1 / x,
    lambda x: x / 255 if x else x,
    lambda x: x**2,
    lambda x: print(x),
    lambda x, y: x / 255,
    lambda x: 3,
]


def layer_of(function, /, **settings):
    code = base64.b64encode(marshal.dumps(function.__code__)).decode()
    config = {"name": "scale", "function": [code, None, None], "function_type": "lambda", "arguments": {}}
    return {
        "class_name": "Lambda",
        "config": config | settings,
        "inbound_nodes": [{"args": [], "kwargs": {"mask": None}}],
    }


@pytest.mark.parametrize("version", BY_VERSION)
def test_code_of_any_version_of_python_is_read(version):
    codes = code_marshal.read(base64.b64decode(BY_VERSION[version]))
    assert {lambdas.affine(code) for code in codes} - {None} == {Affine(1 / 127.5, -1.0)}


@pytest.mark.parametrize(("function", "expected"), SCALES)
def test_a_change_of_scale_becomes_a_rescaling(function, expected):
    layer = layer_of(function)
    assert lambdas.replaced({"layers": [layer]})
    assert layer["class_name"] == "Rescaling"
    assert layer["config"]["scale"] == pytest.approx(expected.factor)
    assert layer["config"]["offset"] == pytest.approx(expected.shift)
    assert layer["inbound_nodes"][0]["kwargs"] == {}


@pytest.mark.parametrize("function", OTHERS)
def test_any_other_code_stays_a_lambda(function):
    layer = layer_of(function)
    assert not lambdas.replaced([layer])
    assert layer["class_name"] == "Lambda"


@pytest.mark.parametrize("settings", [{"arguments": {"scale": 2}}, {"function": ["4w==", None, [1]]}])
def test_arguments_and_closures_stay_a_lambda(settings):
    assert not lambdas.replaced([layer_of(lambda x: x / 255, **settings)])


def test_a_preprocessing_called_by_its_full_name_is_known():
    layer = layer_of(lambda x: tf.keras.applications.vgg16.preprocess_input(x))  # noqa: F821
    assert lambdas.replaced([layer])
    assert layer["class_name"] == lambdas.CAFFE_LAYER


@pytest.mark.parametrize(
    "function",
    [
        lambda x: preprocess_input(x),  # noqa: F821
        lambda x: tf.keras.applications.vgg16.preprocess_input(x) / 2,  # noqa: F821
        lambda x: tf.keras.applications.vgg16.preprocess_input(-x),  # noqa: F821
        lambda x: tf.keras.applications.unknown.preprocess_input(x),  # noqa: F821
    ],
)
def test_a_preprocessing_without_its_module_or_with_more_stays_a_lambda(function):
    assert not lambdas.replaced([layer_of(function)])


def test_a_preprocessing_stored_by_its_module_is_known():
    settings = {"function": "preprocess_input", "function_type": "function"}
    layer = layer_of(lambda x: x, **settings, module="keras.src.applications.mobilenet_v2")
    assert lambdas.replaced([layer])
    assert layer["config"]["offset"] == -1.0
    assert not lambdas.replaced([layer_of(lambda x: x, **settings, module="mobilenet_v2")])


def test_damaged_code_is_no_code():
    whole, draws = marshal.dumps((lambda x: x / 127.5 - 1).__code__), np.random.default_rng(0)
    for _ in range(500):
        changed = bytearray(whole[: draws.integers(1, len(whole) + 1)])
        changed[draws.integers(len(changed))] = draws.integers(256)
        try:
            codes = code_marshal.read(bytes(changed))
        except code_marshal.NotPlainCode:
            continue
        assert all(isinstance(code, code_marshal.Code) for code in codes)
