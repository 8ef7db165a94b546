"""Equations become trajectories."""
