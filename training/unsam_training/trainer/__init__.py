"""Runs a recipe: optimisation, checkpoints, logs, pictures, one process or many."""
