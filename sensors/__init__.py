"""Satellite products: one module a product, and what they share to read files from outside."""
