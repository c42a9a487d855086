"""The catalogue: every `Api` that a file of this folder declares; each has its DAGs and its table.

`CATALOGUE` maps each API's name to it, in alphabetical order of the files; `TABLES` its table.
"""

import pkgutil
from importlib import import_module

from include.entra_logs.api import Api
from include.entra_logs.table import Table

_FOUND = [
    value
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__))
    for value in vars(import_module(f"{__name__}.{module}")).values()
    if isinstance(value, Api)
]
CATALOGUE: dict[str, Api] = {api.name: api for api in _FOUND}
TABLES: dict[str, Table] = {name: api.table for name, api in CATALOGUE.items()}
if len(CATALOGUE) < len(_FOUND):
    raise ValueError(f"two APIs have one name: {[api.name for api in _FOUND]}")
