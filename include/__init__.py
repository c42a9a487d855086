"""Everything but DAGs and plugin. Each folder beside `entra_logs` can be taken out.

entra_logs      the product            graph_emulator  a stand-in for Microsoft Graph
lake_page       the page in Airflow's UI               bi  views and questions for DuckDB
demo            `make demo`
"""
