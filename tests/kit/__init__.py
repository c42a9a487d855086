"""What tests of several folders use; what one folder uses alone lies in that folder.

Where a test runs
    airflow_home    a throw-away Airflow for this process and its children
    azurite         Azure's storage on loopback, ended with the test
    budget          how many examples: few while you work, all in CI
    channels        a mail server and a webhook that take what is sent
    ports           a port that nobody takes before its server has started
    waiting         waits for what others do, and fails by name

Graph's side
    scripted_graph  a world in memory behind the source's protocol: no network
    emulated        clients of the real emulator, and its ground truth
    memory_store    a read's pages in memory, and the events that they hold

The lake's side
    events          raw events and pages made from Graph's metadata
    rows            a partition of a table, and what a merge makes of it
    lake_model      what the tables must hold after any loads, as a plain fold
    months          a healthy month as the ledger tells it, to be broken
"""
