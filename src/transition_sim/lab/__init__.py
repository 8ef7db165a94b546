"""The offline page: models, plausible worlds, texts and charts in one file that any browser opens."""
