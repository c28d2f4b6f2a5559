"""PNG files that hold the pixels and nothing else."""

from io import BytesIO

from PIL import Image, ImageChops


def encode_png(image: Image.Image) -> bytes:
    """Encode an image as PNG: lossless, without metadata, as greys where it has no colour.

    No palette is used, though it would be smaller: readers that take a palette's numbers for
    shades are common, OCR libraries among them. The bytes are the same from call to call; two
    builds of Pillow may bring different deflate libraries, whose bytes differ though the pixels
    do not.
    """
    file = BytesIO()
    _plainest(image.convert("RGB")).save(file, "PNG", optimize=True)
    return file.getvalue()


def _plainest(image: Image.Image) -> Image.Image:
    red, green, blue = image.split()
    coloured = ImageChops.difference(red, green).getbbox() or (
        ImageChops.difference(red, blue).getbbox()
    )
    return image if coloured else red
