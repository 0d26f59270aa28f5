"""What the columns of a table mean, as flags of the command line."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from vitrine.cli.flags import flag
from xai_core.bias.proposal import Proposal
from xai_core.bias.repairs import Repairs
from xai_core.errors import ParamError

if TYPE_CHECKING:
    from vitrine.biases import UnclearTable

COLUMN, GUESS = "--column", "--guess-columns"
MOST_FLAGS = 24


def add_columns(parser: ArgumentParser) -> None:
    """Add the flags that say what the columns of a table mean."""
    parser.add_argument(
        COLUMN,
        dest="columns",
        metavar="ROLE=NAME",
        action="append",
        default=[],
        help='the column for y_true, y_pred, file or prob_<class>, such as "y_true=True Label"; repeat it for each',
    )
    parser.add_argument(
        GUESS, action="store_true", help="accept the proposed columns; without it, they are printed if they are needed"
    )


def chosen_columns(args: Namespace) -> dict[str, str] | str:
    """Return the columns by role, or "guess". Raises ParamError for one without a name."""
    if args.guess_columns:
        return "guess"
    pairs = [text.partition("=") for text in args.columns]
    for role, sign, name in pairs:
        if not (role and sign and name):
            raise ParamError(f'{COLUMN} needs a role and a name, such as "y_true=True Label"; got {role!r}.')
    return {role: name for role, _, name in pairs}


def with_flags(error: UnclearTable) -> str:
    """Return an error with the flags that would read the table."""
    proposal, flags = error.proposal, flags_of(error.proposal)
    if not flags:
        return str(error)
    doubts = [f"{proposal.which[:1].upper()}{proposal.which[1:]}."] if proposal.unusable else []
    reasons = "".join(f"\n  {reason}" for reason in [*proposal.reasons[:MOST_FLAGS], *doubts])
    accept = "" if proposal.is_as_documented else f", or {GUESS} to accept these columns"
    return f"{error}{reasons}\nAdd {' '.join(flags[:MOST_FLAGS])}{accept}."


def flags_of(proposal: Proposal) -> list[str]:
    """Return the flags for the columns that are not called by their role, and for what needs repair."""
    roles = {} if proposal.is_as_documented else proposal.roles
    wanted = {
        "percent": proposal.repairs.percent,
        "leave_out_rows": proposal.unusable > 0,
        "reconcile_names": bool(proposal.spellings),
    }
    flags = [f"{COLUMN} {shlex.quote(f'{role}={name}')}" for role, name in roles.items()]
    return flags + [flag(param) for param in Repairs.params if wanted[param.name]]
