"""What people write: JSON files with comments, their schema, and the mistakes in them."""
