"""The least time that a machine needs for what was computed: FLOP and bytes, counted."""

from dataclasses import dataclass
from typing import Any

from benchmarks.generation.counting import Steps


@dataclass(frozen=True, slots=True)
class Peaks:
    """What a machine can do at best: FLOP a second in matrix products, bytes a second."""

    flop_per_s: float
    bytes_per_s: float


# In bfloat16: 1,979 TFLOP/s with sparsity, so half of that without, and 4.8 TB/s
# (https://www.nvidia.com/en-us/data-center/h200/).
H200 = Peaks(989.5e12, 4.8e12)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a LLaVA costs.

    ``layers``, ``head`` and ``vision`` count parameters: of the decoder's layers, of its output,
    of the image encoder with its projector. ``looks`` is the FLOP of one token looking back at
    one token in all layers, ``vision_looks`` those of all patches of an image looking at each
    other. ``patches`` is of an image; ``token_bytes`` what a token's keys and values take;
    ``item_bytes`` what a parameter takes.
    """

    layers: int
    head: int
    vision: int
    looks: int
    vision_looks: int
    patches: int
    token_bytes: int
    item_bytes: int


@dataclass(frozen=True, slots=True)
class Least:
    """Seconds that reading the prompts and taking the steps need at least, and their FLOP."""

    prompts_s: float
    steps_s: float
    flop: float

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.prompts_s + self.steps_s


def shape_of(model: Any) -> Shape:  # noqa: ANN401 - transformers has no types
    """Count what a LLaVA of transformers costs."""
    text, vision = model.config.text_config, model.config.vision_config
    patches = (vision.image_size // vision.patch_size) ** 2 + 1
    width = text.hidden_size // text.num_attention_heads
    return Shape(
        layers=_count(model.model.language_model.layers),
        head=_count(model.get_output_embeddings()),
        vision=_count(model.model.vision_tower) + _count(model.model.multi_modal_projector),
        # A product with the key and one with the value: 2 FLOP a number each.
        looks=4 * text.num_hidden_layers * text.hidden_size,
        vision_looks=4 * vision.num_hidden_layers * vision.hidden_size * patches**2,
        patches=patches,
        token_bytes=2
        * text.num_hidden_layers
        * text.num_key_value_heads
        * width
        * model.dtype.itemsize,
        item_bytes=model.dtype.itemsize,
    )


def least_seconds(steps: Steps, shape: Shape, peaks: Peaks) -> Least:
    """Return the least time for the steps that were taken; those that were not need none."""
    reading = _flop_of_prompts(steps, shape)
    weights = (shape.layers + shape.head) * shape.item_bytes
    flop, seconds = reading, 0.0
    for rows, looked_at in zip(steps.rows, steps.looked_at, strict=True):
        computed = 2 * (shape.layers + shape.head) * rows + shape.looks * looked_at
        moved = weights + shape.token_bytes * looked_at
        seconds += max(computed / peaks.flop_per_s, moved / peaks.bytes_per_s)
        flop += computed
    return Least(reading / peaks.flop_per_s, seconds, flop)


def _flop_of_prompts(steps: Steps, shape: Shape) -> float:
    """Return the FLOP of reading: a token looks at those before it; the last alone is answered."""
    text = sum(
        2 * shape.layers * length + shape.looks * length * (length + 1) / 2 + 2 * shape.head
        for length in steps.prompts
    )
    return text + steps.images * (2 * shape.vision * shape.patches + shape.vision_looks)


def _count(module: Any) -> int:  # noqa: ANN401 - as above
    return sum(each.numel() for each in module.parameters())
