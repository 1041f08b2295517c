"""A picture as SVG text, made here: no script in it, nothing from elsewhere, every text escaped.

Each drawing is a pure function over plain data. It stands alone, as a notebook
shows it, or inside a page that has `STYLE` in its own style sheet. Colours
follow the reader's light or dark scheme, and none of them says anything that a
word, a sign or a line does not say too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from persistence.text import REPLACEMENT, shortened
from persistence.visible import visible

_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CHAR_WIDTH: Final = 6.6  # pixels of an average letter of 12 px; a picture cannot measure its text
STYLE: Final = (
    ".picture{--paper:#fff;--ink:#1b1f24;--dim:#59636e;--line:#8c959f;--box:#eef2f7;--turn:#8250df;--model:#8250df;"
    "--tool:#0969da;--work:#1a7f37;--bad:#cf222e;font:12px system-ui,sans-serif}"
    "@media (prefers-color-scheme:dark){.picture{--paper:#0d1117;--ink:#e6edf3;--dim:#9198a1;--line:#6e7681;"
    "--box:#1c2430;--turn:#a371f7;--model:#a371f7;--tool:#4493f8;--work:#3fb950;--bad:#f85149}}"
    ".picture .paper{fill:var(--paper)}.picture text{fill:var(--ink);dominant-baseline:central}"
    ".picture .dim{fill:var(--dim)}.picture .end{text-anchor:end}.picture .middle{text-anchor:middle}"
    ".picture .box{fill:var(--box);stroke:var(--line)}.picture .failed{stroke:var(--bad);stroke-dasharray:4 2}"
    ".picture .edge{fill:none;stroke:var(--line)}.picture .critical{stroke:var(--ink);stroke-width:3}"
    ".picture .tick{stroke:var(--line);stroke-opacity:.35}.picture .bar{stroke:none}.picture .wait{opacity:.28}"
    ".picture .turn{fill:var(--turn)}.picture .model{fill:var(--model)}.picture .tool{fill:var(--tool)}"
    ".picture .work{fill:var(--work)}.picture .person{fill:var(--dim)}.picture .bar.failed{fill:var(--bad)}"
    ".picture .bar.critical{stroke:var(--ink);stroke-width:2}"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, with what it is called for those who do not see it. Lengths are in pixels."""

    title: str
    width: int
    height: int
    parts: tuple[str, ...]

    def inline(self) -> str:
        """Return the element for a page whose style sheet holds `STYLE`."""
        return self._svg("")

    def alone(self) -> str:
        """Return the element with its style in it."""
        return self._svg(f"<style>{STYLE}</style>")

    def _svg(self, style: str) -> str:
        size = f'width="{self.width}" height="{self.height}"'
        return "".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="img" {size}',
                f' viewBox="0 0 {self.width} {self.height}">{style}<title>{shown(self.title)}</title>',
                f'<rect class="paper" {size}/>',
                *self.parts,
                "</svg>",
            ]
        )


def shown(text: str) -> str:
    """Return a text as the picture can hold it: escaped, and without what no eye sees."""
    return escape(_drawable(visible(text)))


def text(x: float, y: float, said: str, *, width: float, kind: str = "") -> str:
    """Return a line of text that is cut to a width; the whole of it shows when it is pointed at."""
    whole = " ".join(visible(said).split())
    cut = shortened(whole, max(int(width / CHAR_WIDTH), 1))
    title = "" if cut == whole else f"<title>{shown(whole)}</title>"
    return f'<text{classes(kind)} x="{x:g}" y="{y:g}">{title}{shown(cut)}</text>'


def rect(x: float, y: float, width: float, height: float, *, kind: Iterable[str], title: str) -> str:
    """Return a box that says what it is when it is pointed at."""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect{classes(*kind)} {place} rx="3"><title>{shown(title)}</title></rect>'


def classes(*kinds: str) -> str:
    """Return the class attribute, if there are any."""
    named = " ".join(filter(None, kinds))
    return f' class="{escape(named)}"' if named else ""


def in_words(ms: float) -> str:
    """Return a duration as an axis has it: “7 ms”, “1.2 s”, “2 min 5 s”."""
    if ms < 1_000:  # noqa: PLR2004 - a second
        return f"{ms:g} ms"
    if ms < 60_000:  # noqa: PLR2004 - a minute
        return f"{round(ms / 1_000, 1):g} s"
    minutes, rest = divmod(round(ms / 1_000), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _drawable(said: str) -> str:
    """Return the text with what no XML may hold replaced."""
    return _NOT_XML.sub(REPLACEMENT, said)
