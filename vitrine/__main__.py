"""Run the command line with `python -m vitrine`."""

import sys

from vitrine.cli.main import main

sys.exit(main())
