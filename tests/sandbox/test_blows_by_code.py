"""A blow, a flood or a lie of a hostile model.py costs its own process only."""

from __future__ import annotations

import pytest

from tests.sandbox.by_code import impatient_runner, runner, source  # noqa: F401
from tests.sandbox.confined import CONFINED
from tests.sandbox.test_attacks import (  # noqa: F401
    test_a_blow_costs_its_own_process_only,
    test_a_disk_is_not_filled_unseen,
)
from tests.sandbox.test_floods import (  # noqa: F401
    test_a_flood_costs_its_own_process_only,
    test_a_folder_is_removed_whatever_its_rights,
    test_an_idle_model_is_ended_if_it_floods_or_computes,
    test_odd_text_opens_and_is_shown_literally,
    test_words_in_the_log_are_bounded,
)

pytestmark = [CONFINED, pytest.mark.long]
