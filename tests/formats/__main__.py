"""Write docs/formats.md."""

from tests.formats.docs import PAGE, page

PAGE.write_text(page(), "utf-8")
