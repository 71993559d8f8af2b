"""The page of ``compare.py --page``: one file with tables, plots and pictures of runs that opens from disk."""
