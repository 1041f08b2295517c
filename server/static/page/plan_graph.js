// The plan as a picture: one card a step, one curve a dependency, the critical path thicker once it is known.

import { useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.mjs";
import { html } from "./html.js";
import { Mark } from "./icons.js";
import { layoutOf } from "./plan_layout.js";
import { skippedBecause, statusOf } from "./step_words.js";
import { criticalPath } from "./times.js";
import { STEP_WORDS, duration } from "./wording.js";

const CARD = { least: 132, most: 460, wide: 300, gapX: 28, gapY: 12, edge: 2 };
const HEIGHTS = [[300, 70], [190, 86], [0, 104]]; // by the width that a description has

export function PlanGraph({ view, times, ended, picked, onPick }) {
  const [frame, room] = useRoom();
  const layout = layoutOf(view.steps, Math.floor(room / CARD.wide));
  const card = cardOf(layout, room);
  const critical = ended ? criticalPath(view.steps, times) : new Set();
  const width = layout.columns * (card.width + CARD.gapX) - CARD.gapX + 2 * CARD.edge;
  const height = layout.rows * (card.height + CARD.gapY) - CARD.gapY + 2 * CARD.edge;
  return html`<div class="plan-graph" ref=${frame} tabindex="0" role="group" aria-label="Plan as a graph; the list has the same in words">
    <div class="canvas" style=${{ width: `${width}px`, height: `${height}px` }}>
      <svg width=${width} height=${height} aria-hidden="true">
        ${view.steps.flatMap((step) => step.depends_on.map((before) => edge(layout, card, before, step, critical)))}
      </svg>
      ${view.steps.map(
        (step) => html`<${Node} key=${step.number} step=${step} view=${view} times=${times} ended=${ended} card=${card}
          at=${placeOf(layout.cells.get(step.number), card)} critical=${critical.has(step.number)} picked=${picked === step.number} onPick=${onPick} />`,
      )}
    </div>
  </div>`;
}

// How wide the graph's frame is: cards take what room there is, and scroll sideways when it is too little.
function useRoom() {
  const frame = useRef();
  const [room, setRoom] = useState(0);
  useLayoutEffect(() => {
    const measured = new ResizeObserver(([{ contentRect }]) => setRoom(Math.floor(contentRect.width)));
    measured.observe(frame.current);
    return () => measured.disconnect();
  }, []);
  return [frame, room];
}

function cardOf({ columns }, room) {
  const share = (room - 2 * CARD.edge - (columns - 1) * CARD.gapX) / columns;
  const width = Math.max(CARD.least, Math.min(CARD.most, Math.floor(share)));
  return { width, height: HEIGHTS.find(([from]) => width >= from)[1] };
}

function placeOf({ column, row }, card) {
  return { x: CARD.edge + column * (card.width + CARD.gapX), y: CARD.edge + row * (card.height + CARD.gapY) };
}

function edge(layout, card, before, step, critical) {
  const from = layout.cells.get(before);
  if (from === undefined) return null;
  const [start, end] = [placeOf(from, card), placeOf(layout.cells.get(step.number), card)];
  const [x1, y1, x2, y2] = [start.x + card.width, start.y + card.height / 2, end.x, end.y + card.height / 2];
  const bend = Math.max(20, (x2 - x1) / 2);
  const kind = critical.has(before) && critical.has(step.number) ? "critical" : step.status;
  const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  return html`<path key=${`${before}-${step.number}`} class=${`edge ${kind}`} d=${path} />`;
}

function Node({ step, view, times, ended, card, at, critical, picked, onPick }) {
  const status = statusOf(step, ended);
  const span = times.steps.get(step.number);
  const took = span?.began && span?.ended ? duration(span.ended - span.began) : null;
  const reason = status === "skipped" ? skippedBecause(step, view.steps) : step.error;
  return html`<button
    class=${`node ${status} ${critical ? "critical" : ""}`}
    aria-pressed=${picked}
    title=${reason ?? step.description}
    onClick=${() => onPick(picked ? null : step.number)}
    style=${{ left: `${at.x}px`, top: `${at.y}px`, width: `${card.width}px`, height: `${card.height}px` }}
  >
    <span class="top">
      <${Mark} status=${status} />
      <b>${step.number}</b>
      <span class="word">${STEP_WORDS[status]}</span>
    </span>
    <span class="text" dir="auto">${step.description}</span>
    <span class="foot">
      ${reason ? html`<span class="reason clip" dir="auto">${reason}</span>` : step.needs_executor ? "executor" : "planner"}
      ${took && html`<span class="time">${took}</span>`}
    </span>
  </button>`;
}
