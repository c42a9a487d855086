"""The lake for BI: SQL views, ten first questions, and DuckDB with both open (`make bi`)."""
