"""Where a decoder's activations are read and revised: its layers, and the heads of each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vscbench.errors import UsageError
from vscbench.models.local.internals import attention_projection, decoder_layers

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """How many layers a decoder has and how wide they are; a layer has ``heads`` of one size."""

    hidden_size: int
    layers: int
    heads: int
    head_size: int

    def __str__(self) -> str:
        return (
            f"{self.layers} layers of {self.hidden_size} numbers, with {self.heads} heads of "
            f"{self.head_size} each"
        )


@dataclass(frozen=True, slots=True)
class Places:
    """The modules of a decoder.

    ``layers`` are in the order in which they compute. ``projections`` are the output projections
    of their attention: what goes into one is its layer's heads, side by side. A layer that looks
    at itself by no attention, as those of Llama 3.2 Vision that look at the image, has ``None``.
    """

    layers: "tuple[Module, ...]"
    projections: "tuple[Module | None, ...]"
    shape: DecoderShape

    @property
    def layers_with_heads(self) -> tuple[int, ...]:
        """The layers, from 0, that have heads."""
        return tuple(number for number, each in enumerate(self.projections) if each is not None)


def shape_of(config: Any) -> DecoderShape:  # noqa: ANN401 - any of transformers' configurations
    """Return the shape of a model's decoder, as its configuration says it.

    Raises:
        UsageError: it has no decoder, or one that an encoder reads for.
    """
    text = config.get_text_config(decoder=True)
    if config.is_encoder_decoder or text.is_encoder_decoder:
        raise UsageError(_not_revisable(config, "an encoder reads for its decoder"))
    try:
        heads = text.num_attention_heads
        size = getattr(text, "v_head_dim", None) or getattr(text, "head_dim", None)
        return DecoderShape(
            text.hidden_size, text.num_hidden_layers, heads, size or text.hidden_size // heads
        )
    except (AttributeError, TypeError, ZeroDivisionError):
        raise UsageError(_not_revisable(config, "its layers or heads are not counted")) from None


def find_places(model: Any) -> Places:  # noqa: ANN401 - any of transformers' models
    """Find the layers of a model's decoder.

    Raises:
        UsageError: they cannot be found.
    """
    shape = shape_of(model.config)
    layers = decoder_layers(model)
    if layers is None or len(layers) != shape.layers:
        raise UsageError(_not_revisable(model.config, "the layers of its decoder are not found"))
    width = shape.heads * shape.head_size
    projections = tuple(attention_projection(each, width) for each in layers)
    return Places(tuple(layers), projections, shape)


def _not_revisable(config: Any, reason: str) -> str:  # noqa: ANN401 - as above
    return (
        f"--vsc-method: the activations of the architecture '{config.model_type}' cannot be "
        f"revised: {reason}; choose a method that changes the request, such as safety-prompt"
    )
