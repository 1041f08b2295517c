"""The web page: one shell for all of its addresses, and the files that it is made of."""

from typing import Final

from fastapi import APIRouter, Request, Response

from server.assets import Asset, Assets, read_assets
from server.refusals import Refused

SCREENS: Final = ("/", "/s/{session}", "/runs", "/runs/{run}", "/compare/{run}/{other}", "/settings", "/workspace")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types dompurify"
)
FOR_EVER: Final = "public, max-age=31536000, immutable"  # the address changes with the files

router: Final = APIRouter(include_in_schema=False)
assets: Final[Assets] = read_assets()


async def screen(request: Request) -> Response:
    """Give the page; which screen it shows, its script reads from the address."""
    return _sent(request, assets.shell, {"Content-Security-Policy": POLICY})


for path in SCREENS:
    router.add_api_route(path, screen, response_class=Response)


@router.get("/static/{digest}/{path:path}")
async def static(request: Request, digest: str, path: str) -> Response:
    """Give one file of the page."""
    asset = assets.find(digest, path)
    if asset is None:
        raise Refused("not_found")
    return _sent(request, asset, {"Cache-Control": FOR_EVER})


def _sent(request: Request, asset: Asset, headers: dict[str, str]) -> Response:
    """Return a file, packed for who can unpack it."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    coding = {"Content-Encoding": "gzip"} if packed else {}
    return Response(
        asset.packed if packed else asset.content,
        headers={"Vary": "Accept-Encoding", **coding, **headers},
        media_type=asset.kind,
    )
