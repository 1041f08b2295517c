"""docs/configuration.md against the settings."""

from server.settings import Settings
from tests.docs.configuration import PAGE, page, told_settings


def test_the_page_is_up_to_date() -> None:
    """The page is what `make docs` writes."""
    assert PAGE.read_text() == page()


def test_every_setting_is_explained() -> None:
    """Each setting has a line on the page; the limits have theirs from the code."""
    assert told_settings() == Settings.model_fields.keys() - {"limit"}
