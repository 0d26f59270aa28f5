"""PyTorch: RISE beside xplique, which takes a PyTorch module through its TorchWrapper.

Run by `python -m benchmarks`; prints JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile

import torchvision  # noqa: F401  (whole, and before TensorFlow: after it PyTorch's libraries do not load)

from benchmarks import subject
from benchmarks.rounds import held


def main() -> None:
    name, rounds, masks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        source = subject.torch_source(name, folder)
        network, module = subject.opened(source), subject.as_their_user_has_it(source, name)
        from xplique.wrappers import TorchWrapper

        from benchmarks.beside_xplique import contest

        wrapped = TorchWrapper(module, "cpu", is_channel_first=True)
        rows = held(contest(name, network, "xplique's TorchWrapper", wrapped, masks), rounds)
    print(json.dumps([row.to_json() for row in rows]))


if __name__ == "__main__":
    main()
