"""The eyes of the embedded model: the text in an image, and nothing else of it."""

from pathlib import Path

from vscbench.errors import TargetError
from vscbench.models.images import upright_pixels

_LONGEST_SIDE_PX = 960
_SETTINGS: dict[str, object] = {
    "Global.log_level": "critical",
    # Upright text only: the classifier of upside-down lines costs a tenth and changes nothing.
    "Global.use_cls": False,
    # Never enlarged before detection, which by default takes four times as long.
    "Det.limit_type": "max",
    "Det.limit_side_len": _LONGEST_SIDE_PX,
    # One thread: the same sums in the same order on any number of cores.
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


class Reader:
    """An OCR engine for one thread at a time; its models come inside its package."""

    def __init__(self) -> None:
        # A second of imports that only this model pays.
        import onnxruntime
        import rapidocr

        onnxruntime.disable_telemetry_events()
        self._engine = rapidocr.RapidOCR(params=_SETTINGS)

    def read(self, image: Path) -> str:
        """Return the lines of text in ``image``, top to bottom; ``""`` if there are none.

        Raises:
            TargetError: the file cannot be decoded, or the engine failed on it.
        """
        from PIL import Image

        try:
            with Image.open(image) as opened:
                # The engine puts transparent images on a ground that their ink stands out from.
                upright = upright_pixels(opened)
                pixels = upright if upright.mode == "RGBA" else upright.convert("RGB")
            # Where no line was recognised the engine's result is of a type without texts.
            return "\n".join(getattr(self._engine(pixels), "txts", None) or ())
        # Pillow and the engine raise many types on broken files; each means the same here.
        except Exception as error:
            raise TargetError(f"{image}: its text cannot be read: {error}") from error
