"""Choosing scenes: inventories, pairs and previews (steps 10 to 30)."""
