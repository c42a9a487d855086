"""The lake in DuckDB: `make bi`, and an example of a table made of the lake's tables.

database     the views of all tables                   azure        how DuckDB reaches Azure
questions    ten first questions                       daily_summary  what the example DAG makes
"""
