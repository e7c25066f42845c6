"""What users look at: panels for notebooks and the self-contained page of a run."""
