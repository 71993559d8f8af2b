"""Generated documentation: tables of keys, the figure of the packages, the page of all commands."""
