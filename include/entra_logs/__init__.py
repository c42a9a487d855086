"""Entra ID's logs from a source to the lake's tables, and the proof that nothing is missing.

What is declared        api · table · workloads · catalogue · metadata (Graph's own) · schema
What a run does         pipeline (the four verbs) · loading (a read into the tables) · outcome
Where events come from  source (the protocol) · graph
What becomes of them    normalise (pages to rows) · merge (rows into tables)
Where it all lies       lake (storage) · ledger (records of reads, states of intervals)
What shows and mends    proof (verify, rebuild, upkeep) · watch (what needs attention)
What Airflow needs      airflow_side · timetable (the path by which its database knows it)
Beside these            settings · start (ENTRA_START) · errors · ahead · verbatim (odd JSON) · docs

`__main__` has the commands. Who may import whom: `tests/architecture/test_arrows.py`.
"""
