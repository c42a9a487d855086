"""Everything of Entra Lake that is not a DAG or an Airflow plugin."""
