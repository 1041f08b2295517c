"""What mkdocs.yml cannot say of the documentation site; `make site` builds it.

The pages are written for whoever reads them in the repository. In the site `docs/`
and the folder above it are one: a link that leaves `docs/` takes its target along.
A Mermaid picture is drawn by our own code: Mermaid would be a script from elsewhere.
"""

import re
from base64 import b64encode
from html import escape
from os.path import normpath, relpath
from pathlib import PurePosixPath
from typing import Final

from langchain_core.runnables.graph import Edge, Graph, Node
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from graph.picture import svg
from tests.docs.pages import anchor
from tests.house.project import ROOT

DOCS: Final = PurePosixPath("docs")
ALWAYS: Final = ("CHANGELOG.md", "CONTRIBUTING.md")  # they stand in the navigation
LINK: Final = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
EDGE: Final = re.compile(r"^ *(\w+) (-->|-\.->|-\. .+ \.->) (\w+)$", re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Have the decisions listed, headings addressed as GitHub does it, and pictures drawn."""
    decisions = sorted(file.relative_to(ROOT / DOCS).as_posix() for file in ROOT.glob("docs/decisions/*.md"))
    config.nav = [*(config.nav or []), {"Decisions": decisions}]
    config.mdx_configs["toc"]["slugify"] = _slug
    fence = {"name": "mermaid", "class": "drawn", "format": drawn}
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [fence]}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take along what the pages link to outside of `docs/`."""
    found = set(ALWAYS)
    for page in files.documentation_pages():
        targets = (_target(link, page) for link in LINK.findall(page.content_string))
        found |= {str(target) for target in targets if not target.is_relative_to(DOCS) and (ROOT / target).is_file()}
    for name in sorted(found):
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the links of a page as they are in the site."""
    return LINK.sub(lambda link: _in_site(link[1], page.file), markdown)


def drawn(source: str, language: str, css_class: str, *_: object, **__: object) -> str:
    """Return the picture of a Mermaid graph of names and arrows; a dotted arrow is a choice."""
    edges = [Edge(begin, end, conditional=arrow != "-->") for begin, arrow, end in EDGE.findall(source)]
    names = dict.fromkeys(name for edge in edges for name in (edge.source, edge.target))
    nodes = {name: Node(name, name, data=None, metadata=None) for name in names}
    told = "; ".join(f"{edge.source} to {edge.target}".replace("_", " ") for edge in edges)
    picture = b64encode(svg(Graph(nodes, edges)).encode()).decode()  # apart, since its style is for the whole page
    return f'<img class="{escape(css_class)}" alt="{escape(told)}" src="data:image/svg+xml;base64,{picture}">'


def _slug(heading: str, _separator: str) -> str:
    return anchor(heading)


def _target(link: str, page: File) -> PurePosixPath:
    """Return what a link of a page leads to, below the root of the repository."""
    place = PurePosixPath(page.src_uri)
    folder = place.parent if page.generated_by else DOCS / place.parent
    return PurePosixPath(normpath(folder / link))


def _in_site(link: str, page: File) -> str:
    target = _target(link, page)
    place = target.relative_to(DOCS) if target.is_relative_to(DOCS) else target
    return relpath(place, PurePosixPath(page.src_uri).parent)
