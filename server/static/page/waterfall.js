// What happened when, on one axis: agents lighter, their calls darker, waits hatched, the critical path marked.

import { Axis } from "./axis.js";
import { html } from "./html.js";
import { rowsOf } from "./trace_rows.js";
import { duration } from "./wording.js";

const LEAST_PERCENT = 0.4; // of the axis, so that a short call can be seen

export function Waterfall({ trace, critical, picked, onPick }) {
  const { from, to, rows } = rowsOf(trace);
  const span = to - from;
  const at = (row) => {
    const left = (100 * (row.began - from)) / span;
    const width = Math.max(LEAST_PERCENT, (100 * ((row.ended ?? to) - row.began)) / span);
    return { left: `${Math.min(left, 100 - LEAST_PERCENT)}%`, width: `${Math.min(width, 100)}%` };
  };
  return html`<div class="waterfall">
    <div class="over-tracks"><${Axis} span=${span} /></div>
    <ul class="plain" aria-label="What happened when">
      ${rows.map((row) => html`<li key=${row.key}>
        <button class=${`fall ${row.kind} level-${row.level} ${row.failed ? "failed" : ""} ${critical.has(row.step) ? "critical" : ""}`}
          aria-pressed=${picked === row.key} disabled=${row.of === null} data-row onClick=${() => onPick(row)}>
          <span class="name"><span class="clip" dir="auto">${row.name}</span>${critical.has(row.step) && html`<span class="unseen"> on the critical path</span>`}
            <span class="time">${row.ended === null ? "" : duration(row.ended - row.began)}</span></span>
          <span class="track"><span class="span" style=${at(row)}></span></span>
        </button>
      </li>`)}
    </ul>
    <p class="legend small quiet" aria-hidden="true"><i class="planner"></i> planner <i class="executor"></i> executor <i class="model"></i> model call <i class="tool"></i> tool call <i class="wait"></i> wait</p>
  </div>`;
}
