"""Raw pages → one sorted Parquet file per partition, with exactly the declared columns.

Pages go in groups through pyarrow's JSON reader; one that is not just as declared is parted event
by event first, and what has no column goes to `_extra` of that event.
"""

from include.entra_logs.normalise.groups import RawPage
from include.entra_logs.normalise.one_read import Normalised, normalise
from include.entra_logs.normalise.rebuild import rebuild_event

__all__ = ["Normalised", "RawPage", "normalise", "rebuild_event"]
