"""The model reference: one page, made from the model file, its ranges and its evidence; no request to anywhere."""
