// An answer as it streams: block by block, so that only the last one is drawn anew.

import { memo } from "./memo.js";
import { useLayoutEffect, useRef } from "../vendor/preact-hooks.mjs";
import { html } from "./html.js";
import { blocksOf, rendered } from "./markdown.js";

export function Answer({ text, live }) {
  const blocks = blocksOf(text);
  return html`<div class=${`answer ${live ? "live" : ""}`} dir="auto">
    ${blocks.map((block, place) => html`<${Block} key=${place} raw=${block.raw} links=${block.links} />`)}
  </div>`;
}

const Block = memo(
  function Block({ raw, links }) {
    const place = useRef();
    useLayoutEffect(() => place.current.replaceChildren(rendered({ raw, links })), [raw]);
    return html`<div class="block" dir="auto" ref=${place}></div>`;
  },
  (before, after) => before.raw === after.raw,
);
