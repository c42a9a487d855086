"""What generates the pages of `docs/`: `make docs` runs each.

dags         docs/dags.md         dictionary   docs/data-dictionary.md
settings     docs/settings.md
"""
