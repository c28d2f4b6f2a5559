"""The shipped set: pairs of our own writing, with drawn images, a manifest and a datasheet."""
