"""The named colours of every drawing: few, so that images stay small and look of a piece."""

from types import MappingProxyType


def _rgb(value: int) -> tuple[int, int, int]:
    return value >> 16, value >> 8 & 0xFF, value & 0xFF


COLOURS = MappingProxyType(
    {
        name: _rgb(value)
        for name, value in {
            "ink": 0x2B2D42,
            "white": 0xFFFFFF,
            "paper": 0xFBF7EE,
            "silver": 0xD5DBE1,
            "grey": 0x9AA3AD,
            "slate": 0x5B6672,
            "red": 0xD64545,
            "maroon": 0x8F2A35,
            "orange": 0xF0883E,
            "yellow": 0xF6C945,
            "green": 0x4CAF6D,
            "pine": 0x2C7A55,
            "teal": 0x2A9D8F,
            "blue": 0x3A7BD5,
            "navy": 0x1F3A5F,
            "purple": 0x7A5BB5,
            "brown": 0x8B5A2B,
            "umber": 0x5E3B1E,
            "tan": 0xC8955C,
            "skin": 0xE9B48C,
            "pink": 0xF2A6B5,
            "sky": 0xD3E8F6,
            "sand": 0xF5E7CB,
            "mint": 0xD9F0E3,
            "rose": 0xF9DEDC,
            "lilac": 0xE6DFF5,
        }.items()
    }
)
"""Red, green and blue (0 to 255) by name."""
