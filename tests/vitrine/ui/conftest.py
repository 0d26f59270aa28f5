"""Pages run as in tests/pages: an error that nothing caught is an exception of the run."""

from tests.pages.conftest import uncaught_errors as uncaught_errors
