"""A picture read back: what is drawn in it, as a tree of elements."""

from typing import Final
from xml.etree import ElementTree as ET

from graph.drawing.picture import Picture

SVG: Final = "{http://www.w3.org/2000/svg}"


def parsed(picture: Picture) -> ET.Element:
    """Return the picture, which is sound XML, as a tree."""
    return ET.fromstring(picture.alone())  # noqa: S314 - it was made in this line


def of_kind(picture: Picture, kind: str) -> list[ET.Element]:
    """Return the elements of a class."""
    return [element for element in parsed(picture).iter() if kind in (element.get("class") or "").split()]


def said(picture: Picture) -> list[str]:
    """Return each line of text, whole where it was cut."""
    return [
        element.findtext(f"{SVG}title") or "".join(element.itertext()) for element in parsed(picture).iter(f"{SVG}text")
    ]
