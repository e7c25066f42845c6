"""Networks that are trained: trunks with batch norm, heads that draw masks."""
