"""The questions of the shipped set, a file for each few skills."""
