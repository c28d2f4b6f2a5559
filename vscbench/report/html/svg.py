"""What matplotlib writes, made fit to stand in a page: no style, no id that another figure has.

Or, from that, a file of its own.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree

_SVG: Final = "http://www.w3.org/2000/svg"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_DROPPED: Final = frozenset({f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"})
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
_FONT: Final = re.compile(r"^(?:(bold|\d{3}) )?([0-9.]+)px")
# Where the browser's own default says the same, or the page's style sheet says it for all.
_NEEDLESS: Final = frozenset({"font-family", "stroke-linejoin", "stroke-linecap"})


def embedded_svg(
    written: str, *, name: str, title: str, description: str, colours: Mapping[str, str]
) -> str:
    """Return an SVG file as an element of a page.

    Style attributes become presentation attributes, because a strict content security policy
    forbids styles that stand in the page's elements.

    Args:
        written: the file, as matplotlib writes it.
        name: of the figure, unique in the page and fit for an id.
        title: what it shows; read out in place of the picture.
        description: what can be seen in it.
        colours: what stands for a colour (``#rrggbb``) in the page, a variable of its style sheet.
    """
    # Our own figure, written a moment ago: no text in it can be more than text.
    root = ElementTree.fromstring(written)  # noqa: S314
    referred = {_referred(value) for each in root.iter() for value in each.attrib.values()}
    for element in root.iter():
        for child in [child for child in element if child.tag in _DROPPED]:
            element.remove(child)
        element.attrib = dict(_attributes(element, name, referred, colours))
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-description")
    root[:0] = [_words("title", name, title), _words("desc", name, description)]
    ElementTree.register_namespace("", _SVG)
    return _plain_links(ElementTree.tostring(root, encoding="unicode"))


def standalone_svg(element: str, *, style: str, background: str) -> str:
    """Make a file of its own from an element of a page.

    Args:
        element: as ``embedded_svg`` returns it, with plain colours.
        style: a style sheet that stands in the file; ours, word for word.
        background: its colour, where the style sheet says no other.
    """
    # Our own figure, written a moment ago: no text in it can be more than text.
    root = ElementTree.fromstring(element.replace("<svg", f'<svg xmlns="{_SVG}"', 1))  # noqa: S314
    _, _, width, height = root.attrib["viewBox"].split()
    sheet = ElementTree.Element(f"{{{_SVG}}}style")
    sheet.text = style
    paper = ElementTree.Element(
        f"{{{_SVG}}}rect", {"width": width, "height": height, "fill": background}
    )
    # Title and description stay first, where a screen reader looks for them.
    root[2:2] = [sheet, paper]
    root.set("width", width)
    root.set("height", height)
    ElementTree.register_namespace("", _SVG)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _words(tag: str, name: str, text: str) -> ElementTree.Element:
    suffix = {"title": "title", "desc": "description"}[tag]
    element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{suffix}"})
    element.text = text
    return element


def _attributes(
    element: ElementTree.Element, name: str, referred: set[str], colours: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for key, value in (*element.attrib.items(), *_declarations(element.get("style", ""))):
        if key == "id":
            if value in referred:
                yield key, f"{name}-{value}"
        elif key == _LINK:
            yield "href", f"#{name}-{value.removeprefix('#')}"
        elif key != "style" and key not in _NEEDLESS:
            yield key, _in_page(value, name, colours)


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for declaration in filter(None, map(str.strip, style.split(";"))):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        font = _FONT.match(value) if key == "font" else None
        if font is None:
            yield key, value
            continue
        yield "font-size", font[2]
        if font[1]:
            yield "font-weight", font[1]


def _in_page(value: str, name: str, colours: Mapping[str, str]) -> str:
    return colours.get(value) or _REFERENCE.sub(rf"url(#{name}-\1)", value)


def _referred(value: str) -> str:
    found = _REFERENCE.search(value)
    return found[1] if found else value.removeprefix("#")


def _plain_links(text: str) -> str:
    return text.replace(f' xmlns="{_SVG}"', "", 1)
