"""What Airflow itself must load: timetable, lake page, and the pool of runs from raw."""

import asyncio
from importlib import import_module
from typing import Any, ClassVar
from urllib.parse import quote

from airflow.plugins_manager import AirflowPlugin

from include.entra_logs.airflow_side import pools
from include.entra_logs.airflow_side.timetable import SettledIntervalTimetable

DROP = (
    "M12 3c3.2 3.7 5 6.3 5 8.6a5 5 0 0 1-10 0C7 9.3 8.8 6.7 12 3z"
    "M3 19c1.5 0 1.5 1.5 3 1.5S7.5 19 9 19s1.5 1.5 3 1.5S13.5 19 15 19s1.5 1.5 3 1.5S19.5 19 21 19"
)
"""A drop above waves, as an SVG path."""


def icon(colour: str) -> str:
    """The picture in the navigation, as a data URL.

    Every page of Airflow shows it; from a route of ours it would load the lake page into servers
    where nobody opens it.
    """
    style = f"fill='none' stroke='{colour}' stroke-width='1.75' stroke-linecap='round'"
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' {style}>"
    return "data:image/svg+xml," + quote(f"{head}<path d='{DROP}'/></svg>")


async def lake_page(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI app of the page, imported when it is first asked for.

    Every part of Airflow loads this plugin, and only the API server has use for the page.
    """
    page = await asyncio.to_thread(import_module, "include.lake_page.app")
    await page.app(scope, receive, send)


class EntraLakePlugin(AirflowPlugin):  # type: ignore[misc]  # Airflow is untyped
    """Entra Lake in Airflow."""

    name = "entra_lake"
    timetables: ClassVar = [SettledIntervalTimetable]
    fastapi_apps: ClassVar = [{"app": lake_page, "url_prefix": "/lake", "name": "Entra Lake"}]
    external_views: ClassVar = [
        {
            "name": "Entra Lake",
            "href": "lake/",
            "destination": "nav",
            "url_route": "lake",
            "icon": icon("#3f3f46"),
            "icon_dark_mode": icon("#d4d4d8"),
            "nav_top_level": True,
        }
    ]

    @classmethod
    def on_load(cls, *_: Any, **__: Any) -> None:
        """Register what has no field of its own."""
        pools.register()
