"""What the columns of a table mean: y_true, y_pred, file and prob_<class> are roles; the others are attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from xai_core.errors import DataError
from xai_core.wording import some

if TYPE_CHECKING:  # needs pandas, which most of the app does not
    from xai_core.bias.table_files import Table

TRUE_CLASS, PREDICTED_CLASS, PICTURE, PROBABILITY = "y_true", "y_pred", "file", "prob_"
Roles = Mapping[str, str]  # the name of a column by its role


def with_roles(table: Table, roles: Roles) -> Table:
    """Return a table whose columns are named by their roles; the others keep their names.

    Raises DataError for a column that the table lacks, and for a role that does not exist.
    """
    if not roles:
        return table
    for role, name in roles.items():
        _check(table, role, name)
    columns = {role: table.columns[name] for role, name in roles.items()}
    columns |= {n: values for n, values in table.columns.items() if n not in roles.values() and n not in columns}
    return replace(table, columns=columns, scores=probability_columns(roles))


def probability_columns(roles: Roles) -> dict[str, str]:
    """Return the roles of probabilities by class."""
    return {role.removeprefix(PROBABILITY): role for role in roles if role.startswith(PROBABILITY)}


def _check(table: Table, role: str, name: str) -> None:
    if role not in (TRUE_CLASS, PREDICTED_CLASS, PICTURE) and not role.removeprefix(PROBABILITY) != role:
        raise DataError(f"A column is y_true, y_pred, file or prob_<class>, not {role[:40]!r}.")
    if name not in table.columns:
        raise DataError(f"The table has no column {name[:40]!r}. Its columns are {some(list(table.columns))}.")
