"""What is kept of evaluated tiles beside their scores, once for all runs: where they lie, and how they look."""
