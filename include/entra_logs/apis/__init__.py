"""The catalogue: one file per API, each with one `API`. Adding a file adds its DAGs and table.

`CATALOGUE` maps each API's name to it, in alphabetical order of the files.
"""

import pkgutil
from importlib import import_module

from include.entra_logs.api import Api

CATALOGUE: dict[str, Api] = {
    api.name: api
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__))
    for api in (import_module(f"{__name__}.{module}").API,)
}
