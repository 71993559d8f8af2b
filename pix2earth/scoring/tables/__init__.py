"""Tables over many evaluated runs: their CSVs, what names a run, comparisons, summaries."""
