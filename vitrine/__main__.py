"""The command line, by `python -m vitrine`."""

import sys

from vitrine.cli.main import main

sys.exit(main())
