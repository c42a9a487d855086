"""The ledger: what was read when, what it added, and what follows for each interval.

record       what is kept of one load of one read      record_table  the same as an Arrow table
ledger       appended, asked, rolled up by month       removals      what was removed for its age
objects      one object, typed whatever lies there     rolling       records into their month's file
mending      what cannot be read, put aside
states       the state of each interval: pure          freshness     how far the lake has come
earlier      a ledger of an earlier form, carried over
"""
