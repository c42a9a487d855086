"""This project's steps beside three other ways from Graph to Parquet, on the same emulator."""
