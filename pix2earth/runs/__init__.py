"""A run on disk: its folders, and ``run.json``, which says what ran."""
