"""What Airflow itself must load: the registration of the timetable and of the lake page."""

import asyncio
from importlib import import_module
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from include.entra_logs.timetable import SettledIntervalTimetable


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
            "icon": "lake/icon.svg",
            "icon_dark_mode": "lake/icon-dark.svg",
            "nav_top_level": True,
        }
    ]
