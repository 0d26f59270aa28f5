"""What a hostile model.py tries is refused, as from anywhere else."""

from __future__ import annotations

import pytest

from tests.sandbox.by_code import runner, source  # noqa: F401
from tests.sandbox.confined import CONFINED, names
from tests.sandbox.test_attacks import (  # noqa: F401
    test_a_try_is_refused,
    test_no_marker_was_left,
    test_the_next_good_model_works,
    told,
)
from tests.sandbox.test_tries_on_others import processors, victim  # noqa: F401
from tests.sandbox.test_tries_on_others import test_a_try_on_others_is_refused as _a_try_on_others_is_refused
from tests.sandbox.test_tries_on_others import told as told_of_others  # noqa: F401

pytestmark = CONFINED


@pytest.mark.parametrize("name", names("TRIES_ON_OTHERS", "tries_on_others"))
def test_a_try_on_others_is_refused(told_of_others, name):  # noqa: F811
    _a_try_on_others_is_refused(told_of_others, name)
