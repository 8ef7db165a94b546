"""Sensitivity: which inputs of a sweep drive an outcome, and which drive the ranking of options."""
