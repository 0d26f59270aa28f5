from __future__ import annotations

import json
import zipfile

import h5py
import numpy as np
import pytest

from model_adapters import inspect
from model_adapters.tensorflow import keras_file
from xai_core.errors import RefusedModel, UnsupportedModel
from xai_core.types import FileKind, ModelSource

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "scores", "units": 3}}


def model_of(*layers):
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [DENSE, *layers]}}


def layer(kind, module="keras.layers", **config):
    return {"module": module, "class_name": kind, "config": {"name": "odd one", **config}}


def keras_zip(path, config, weights):
    place = path.with_suffix(".weights.h5")
    with h5py.File(place, "w") as file:
        weights(file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.write(place, "model.weights.h5")
    return str(path)


def test_plain_layers_pass():
    keras_file.check_config(model_of(layer("Conv2D", filters=3)))


@pytest.mark.parametrize("kind", ["Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer"])
def test_a_layer_that_holds_code_is_named_and_refused(kind):
    with pytest.raises(RefusedModel, match=rf"The layer 'odd one' is a {kind}.*export the model to ONNX"):
        keras_file.check_config(model_of(layer(kind)))


def test_a_lambda_deep_inside_other_layers_is_found():
    with pytest.raises(RefusedModel, match="Lambda"):
        keras_file.check_config(model_of(layer("TimeDistributed", layer=model_of(layer("Lambda")))))


def test_a_function_asked_for_by_name_is_refused():
    named = {"module": "subprocess", "class_name": "function", "config": "run", "name": "x"}
    with pytest.raises(RefusedModel, match=r"the Python function 'subprocess\.run' by its name"):
        keras_file.check_config(model_of(named))


def test_a_vocabulary_in_another_file_is_refused():
    with pytest.raises(RefusedModel, match="reads its vocabulary from a file"):
        keras_file.check_config(model_of(layer("StringLookup", vocabulary="/etc/passwd")))


def test_a_vocabulary_in_the_file_itself_passes():
    keras_file.check_config(model_of(layer("StringLookup", vocabulary=["a", "b"])))


def test_a_class_of_another_package_is_not_supported():
    with pytest.raises(UnsupportedModel, match=r"'my_package\.layers\.Odd' is not part of Keras"):
        keras_file.check_config(model_of(layer("Odd", module="my_package.layers")))


def outside_link(file):
    file["layers/dense/vars/0"] = h5py.ExternalLink("other.h5", "/d")


def outside_storage(file):
    file.create_dataset("layers/dense/vars/0", (3,), dtype="f4", external=[("/etc/passwd", 0, 12)])


def far_too_large(file):
    file.create_dataset("layers/dense/vars/0", (200_000, 200_000), dtype="f4", chunks=(1000, 1000), compression="gzip")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (outside_link, "a link to another place"),
        (outside_storage, "outside the model"),
        (far_too_large, "claim 152587 MB"),
    ],
)
def test_weights_that_lie_elsewhere_or_lie_about_their_size_are_refused(tmp_path, weights, words):
    path = keras_zip(tmp_path / "m.keras", model_of(), weights)
    with pytest.raises(RefusedModel, match=f"'layers/dense/vars/0'.*{words}"):
        keras_file.check(path, FileKind("keras", "tensorflow"))


def test_honest_weights_pass(tmp_path):
    path = keras_zip(tmp_path / "m.keras", model_of(), lambda file: file.create_dataset("a/b", data=np.zeros((9, 9))))
    keras_file.check(path, FileKind("keras", "tensorflow"))


def test_an_hdf5_file_of_weights_alone_is_not_a_model(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("dense/kernel", data=np.zeros(3))
    with pytest.raises(UnsupportedModel, match="save the whole model"):
        keras_file.check(str(tmp_path / "m.h5"), FileKind("keras-h5", "tensorflow"))


def test_a_lambda_in_an_older_hdf5_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(model_of(layer("Lambda", module=None)))
    with pytest.raises(RefusedModel, match="Lambda"):
        keras_file.check(str(tmp_path / "m.h5"), FileKind("keras-h5", "tensorflow"))


def test_a_damaged_archive_is_called_damaged(tmp_path):
    (tmp_path / "m.keras").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(RefusedModel, match="damaged or cut short"):
        keras_file.check(str(tmp_path / "m.keras"), FileKind("keras", "tensorflow"))


def test_a_lambda_is_refused_by_a_look_at_the_file_unless_it_is_trusted(tmp_path, monkeypatch):
    path = keras_zip(tmp_path / "m.keras", model_of(layer("Lambda")), lambda file: None)
    source = ModelSource(path, "m.keras", "")
    monkeypatch.delenv("VITRINE_TRUST_PICKLE", raising=False)
    with pytest.raises(RefusedModel, match="Lambda"):
        inspect(source)
    monkeypatch.setenv("VITRINE_TRUST_PICKLE", "1")
    assert inspect(source).format == "keras"


@pytest.mark.parametrize(
    "function", ["math.truediv", "nn.bias_add", "__operators__.add", "cast", "compat.v1.transpose"]
)
def test_arithmetic_of_tensorflow_passes(function):
    keras_file.check_config(model_of(layer("TFOpLambda", function=function)))


@pytest.mark.parametrize("function", ["io.read_file", "py_function", "load_op_library", "keras.models.load_model"])
def test_a_function_of_tensorflow_that_may_do_more_is_refused(function):
    with pytest.raises(RefusedModel, match=rf"calls TensorFlow's '{function}', which may do more than compute"):
        keras_file.check_config(model_of(layer("TFOpLambda", function=function)))
