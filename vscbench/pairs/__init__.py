"""Where pairs come from, and how they are checked, drawn and selected."""
