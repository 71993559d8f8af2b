"""Tables of ``docs/results.md`` that come from trained runs."""
