"""Pages of documentation that are generated: tables of keys, the figure of the packages, all commands."""
