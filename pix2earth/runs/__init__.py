"""The files of a run: its folders, and ``run.json``, the record of what ran."""
