"""Raw pages → one sorted Parquet file per partition, with exactly the declared columns.

Pages go in groups through pyarrow's JSON reader; one that is not just as declared is parted event
by event first, and what has no column goes to `_extra` of that event.

one_read     the verb: a read to files, counts         groups       pages to rows
declared     pages that are just as declared           drifted      with new properties too
undeclared   with anything else, event by event        parting      what a column takes of a value
times        Graph's times to Arrow's                  counts       checksum, what no column takes
ordered      sorted, each identity once                partitions   one file for each two hours
event        what a row was made from
"""

from include.entra_logs.normalise.event import rebuild_event
from include.entra_logs.normalise.groups import RawPage
from include.entra_logs.normalise.one_read import Normalised, normalise

__all__ = ["Normalised", "RawPage", "normalise", "rebuild_event"]
