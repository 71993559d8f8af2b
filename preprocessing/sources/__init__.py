"""Descriptions of sources of data, as YAML: where the files are, what they hold, and how they are split."""
