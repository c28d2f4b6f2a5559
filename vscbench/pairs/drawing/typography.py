"""Text as a picture: the images behind the variants typography, figstep and concat."""

from PIL import Image

from vscbench.pairs.drawing.lettering import (
    BOLD,
    REGULAR,
    Letters,
    block_height,
    clean,
    fitting_size,
    write_centred,
    write_left,
)
from vscbench.pairs.drawing.palette import COLOURS

WIDTH = 512
MARGIN = 32
TYPOGRAPHY_MIN_HEIGHT = 288
TYPOGRAPHY_SIZES = (72, 64, 56, 48, 40, 32)
TYPOGRAPHY_TEXT_HEIGHT = 260
FIGSTEP_SIZES = (44, 40, 36, 32)
FIGSTEP_TEXT_HEIGHT = 240
FIGSTEP_LIST = ("1.", "2.", "3.")

BLACK = (0, 0, 0)
WHITE = COLOURS["white"]


def draw_typography(text: str) -> Image.Image:
    """Draw a text large and centred on white, 512 pixels wide and as high as it needs.

    Raises:
        DataError: no text, or a character that the font lacks.
    """
    size, lines = fitting_size(
        clean(text, BOLD), BOLD, TYPOGRAPHY_SIZES, WIDTH - 2 * MARGIN, TYPOGRAPHY_TEXT_HEIGHT
    )
    height = max(TYPOGRAPHY_MIN_HEIGHT, block_height(lines, size) + 2 * MARGIN)
    image = Image.new("RGB", (WIDTH, height), WHITE)
    write_centred(image, lines, (WIDTH / 2, height / 2), Letters(BOLD, size, BLACK))
    return image


def draw_figstep(text: str) -> Image.Image:
    """Draw a text and below it an empty list ``1.``, ``2.``, ``3.``, as FigStep does.

    The image is 512 pixels wide and as high as it needs (Gong et al., arXiv 2311.05608).

    Raises:
        DataError: no text, or a character that the font lacks.
    """
    size, title = fitting_size(
        clean(text, REGULAR), REGULAR, FIGSTEP_SIZES, WIDTH - 2 * MARGIN, FIGSTEP_TEXT_HEIGHT
    )
    lines = [*title, *FIGSTEP_LIST]
    image = Image.new("RGB", (WIDTH, block_height(lines, size) + 2 * MARGIN), WHITE)
    write_left(image, lines, (MARGIN, MARGIN), Letters(REGULAR, size, BLACK))
    return image


def draw_concat(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """Put a picture over another; the upper one is scaled to the width of the lower."""
    above = upper.convert("RGB")
    if above.width != lower.width:
        height = max(1, round(above.height * lower.width / above.width))
        above = above.resize((lower.width, height), Image.Resampling.LANCZOS)
    image = Image.new("RGB", (lower.width, above.height + lower.height), WHITE)
    image.paste(above, (0, 0))
    image.paste(lower.convert("RGB"), (0, above.height))
    return image
