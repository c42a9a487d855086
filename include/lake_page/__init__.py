"""The lake page in Airflow's UI: what is complete and what is not, from ledger and runs. Read-only.

app       routes, closed to whom Airflow does not know   views   what the page shows, as JSON
runs      what Airflow knows of the runs                 memory  what was read or answered already
known     the states of the days shown                   page    one lake and its answers
static/   the page itself
"""
