"""Trivial answers: predictions without a network, as starts of networks and as baselines of evaluations."""
