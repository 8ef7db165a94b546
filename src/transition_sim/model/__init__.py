"""A model file becomes equations."""
