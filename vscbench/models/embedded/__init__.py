"""A real system that runs from packages alone: an OCR reader and a small language model."""
