"""Sweeps: from a file to thousands of runs that are kept, resumed and explained."""
