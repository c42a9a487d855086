"""The ledger: what was read when, what it added, and what follows for each interval.

record       what is kept of one load of one read      record_table  the same as an Arrow table
ledger       appended, asked, rolled up by month       removals      what made tables hold less
objects      one object, typed whatever lies there     rolling       records into their month's file
holdings     what a partition holds, what came late    states        the state of each interval
freshness    how far the lake has come                 mending       what cannot be read, put aside
"""
