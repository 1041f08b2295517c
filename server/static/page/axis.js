// An axis of time from 0 on, with round moments on it: the same ones as in the drawing of an exported run.

import { html } from "./html.js";
import { duration } from "./wording.js";

const MOST_TICKS = 5; // behind the first
const ROOM_PERCENT = 6; // that a word needs before the end

export function Axis({ span }) {
  return html`<div class="axis" aria-hidden="true">${ticks(span).map((ms) => html`<span style=${placed(ms / span)}>${ms ? duration(ms) : "0"}</span>`)}</div>`;
}

/** Return round moments up to the last millisecond, at most MOST_TICKS behind 0. */
function ticks(lastMs) {
  if (!Number.isFinite(lastMs)) return [0];
  for (let power = 1; ; power *= 10) {
    for (const step of [power, 2 * power, 5 * power]) {
      if (lastMs / step <= MOST_TICKS) return Array.from({ length: Math.floor(lastMs / step) + 1 }, (_, place) => place * step);
    }
  }
}

function placed(share) {
  if (share === 0) return { left: 0 };
  return share > 1 - ROOM_PERCENT / 100 ? { right: 0 } : { left: `${100 * share}%`, transform: "translateX(-50%)" };
}
