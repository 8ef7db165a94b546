"""What a researcher does with the engine: scenarios, worlds, comparisons."""
