"""Microsoft Entra ID logs from Microsoft Graph to Parquet: declarations, reading, tables, lake."""
