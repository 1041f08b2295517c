// Executors at work: one lane each on a common axis of time, what each is at, and what it brought.

import { Axis } from "./axis.js";
import { Empty } from "./empty.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { hasEnded } from "./reducer.js";
import { timesOf } from "./times.js";
import { duration, number } from "./wording.js";

const LEAST_PERCENT = 1.2; // of the axis, so that a short one can be seen

export function ExecutorsPanel({ run }) {
  const view = run.view.value;
  const ended = hasEnded(view);
  if (!view.executors.length) {
    return html`<${Empty} icon="lanes" title="No executors">
      ${ended ? "This run started none." : "Steps that only read are given to executors. They work side by side, each in a lane here."}
    <//>`;
  }
  const times = timesOf(run);
  const axis = axisOf(view.executors, times);
  const lanes = view.executors.toSorted((one, other) => one.step_number - other.step_number);
  return html`<div class="stack">
    ${axis && html`<${Axis} span=${axis.span} />`}
    <ul class="plain lanes" aria-label="Executors">
      ${lanes.map((one) => html`<${Lane} key=${one.id} executor=${one} view=${view} times=${times} axis=${axis} ended=${ended} />`)}
    </ul>
  </div>`;
}

function axisOf(executors, times) {
  const spans = executors.map((one) => times.executors.get(one.id)).filter((span) => span?.began);
  if (!spans.length) return null;
  const from = Math.min(...spans.map((span) => span.began));
  const to = Math.max(from + 1, ...spans.map((span) => span.ended ?? Date.now()));
  return { from, to, span: to - from };
}

/** Return in a word how an executor stands. */
export function stateOf(executor, ended) {
  const { outcome } = executor;
  if (outcome === null) return ended ? { kind: "stopped", word: "cancelled" } : { kind: "executing", word: "working" };
  if (outcome.success) return { kind: "completed", word: "done" };
  const why = (outcome.error ?? "").toLowerCase();
  if (/timed? ?out|took too long/.test(why)) return { kind: "failed", word: "timed out" };
  if (/not permitted|may not|denied|refused/.test(why)) return { kind: "failed", word: "denied" };
  if (/cancel|stopped/.test(why)) return { kind: "stopped", word: "cancelled" };
  return { kind: "failed", word: "failed" };
}

function Lane({ executor, view, times, axis, ended }) {
  const { kind, word } = stateOf(executor, ended);
  const { outcome } = executor;
  const running = view.tools.findLast((tool) => tool.executor_id === executor.id && tool.success === null);
  const said = outcome?.data?.summary ?? outcome?.error;
  const facts = [word];
  if (outcome) facts.push(duration(outcome.duration_ms), `${number(outcome.tokens)} tokens`);
  return html`<li class=${`lane ${kind}`}>
    <div class="bar">
      <b class="step-number">${executor.step_number}</b>
      <span class="grow clip" dir="auto" title=${executor.description}>${executor.description}</span>
      <span class="badge"><${Icon} name="shield" /> read-only</span>
    </div>
    <${Bar} span=${times.executors.get(executor.id)} calls=${callsOf(executor, view, times)} axis=${axis} />
    <p class="quiet small facts">${facts.join(" · ")}${running && !outcome && !ended ? ` · ${running.name.replaceAll("_", " ")}…` : ""}</p>
    ${typeof said === "string" && html`<p class=${`small finding ${outcome.success ? "" : "reason"}`} dir="auto">${said}</p>`}
  </li>`;
}

function callsOf(executor, view, times) {
  return view.tools.filter((tool) => tool.executor_id === executor.id).map((tool) => times.tools.get(tool.id));
}

function Bar({ span, calls, axis }) {
  if (!axis || !span?.began) return null;
  return html`<div class="track" aria-hidden="true">
    <span class="span" style=${placed(span, axis)}></span>
    ${calls.filter((call) => call?.began).map((call) => html`<span class="call" style=${placed(call, axis)}></span>`)}
  </div>`;
}

function placed(span, axis) {
  const left = Math.max(0, (100 * (span.began - axis.from)) / axis.span);
  const width = (100 * ((span.ended ?? axis.to) - span.began)) / axis.span;
  return { left: `${Math.min(left, 100 - LEAST_PERCENT)}%`, width: `${Math.max(LEAST_PERCENT, Math.min(width, 100 - left))}%` };
}
