"""The generated pages of `docs/`: what each should say, and which say something else."""

from collections.abc import Callable
from pathlib import Path

from include.entra_logs import dags_docs, settings_docs

PAGES: dict[Path, Callable[[], str]] = {
    dags_docs.PAGE: dags_docs.dags_page,
    settings_docs.PAGE: settings_docs.settings_page,
}
"""Each generated page with the function that makes its text."""


def stale_pages() -> list[Path]:
    """The pages that are missing or say something else than what would be generated now."""
    return [
        page
        for page, text in PAGES.items()
        if not page.exists() or page.read_text(encoding="utf-8") != text()
    ]


def write_pages() -> list[Path]:
    """Write the pages that are stale; which these were."""
    stale = stale_pages()
    for page in stale:
        page.parent.mkdir(exist_ok=True)
        page.write_text(PAGES[page](), encoding="utf-8")
    return stale
