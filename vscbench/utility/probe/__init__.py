"""The shipped set of questions: written and drawn by our own code, every answer exact."""
