"""From products to datasets: readers, steps, and the one writer of samples."""
