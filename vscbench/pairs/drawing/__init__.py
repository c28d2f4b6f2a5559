"""Pictures drawn by our own code: text, pictograms and scenes; the same pixels everywhere.

Importing this package loads Pillow; a test run that only collects does not need it.
"""

from vscbench.pairs.drawing.pictograms import draw_pictogram, pictogram_names
from vscbench.pairs.drawing.png import encode_png
from vscbench.pairs.drawing.scenes import Scene, draw_scene, frame_names
from vscbench.pairs.drawing.typography import draw_concat, draw_figstep, draw_typography

__all__ = [
    "Scene",
    "draw_concat",
    "draw_figstep",
    "draw_pictogram",
    "draw_scene",
    "draw_typography",
    "encode_png",
    "frame_names",
    "pictogram_names",
]
