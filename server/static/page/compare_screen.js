// Two runs side by side: numbers, steps, tools and answers, and where they differ.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { get } from "./api.js";
import { html } from "./html.js";
import { place } from "./router.js";
import { NEVER, RUN_WORDS, STEP_WORDS, STRATEGY_WORDS, duration, number, oneLine } from "./wording.js";

export function CompareScreen() {
  const [first, second] = place.value.ids;
  const [found, setFound] = useState(null);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    get(`/api/agent/runs/${first}/compare/${second}`).then(setFound, setTrouble);
  }, [first, second]);
  return html`<main class="screen" id="main">
    <a class="small" href="/runs">Runs</a>
    <h1>Two runs</h1>
    ${trouble && html`<p class="quiet">These two cannot be compared: one of them is not there.</p>`}
    ${found && html`<${Sides} runs=${found.runs} /><${Steps} steps=${found.steps} /><${Tools} tools=${found.tools} /><${Answers} answers=${found.answers} />`}
  </main>`;
}

const ROWS = [
  ["Status", (run) => RUN_WORDS[run.status] ?? run.status],
  ["Strategy", (run) => STRATEGY_WORDS[run.strategy] ?? NEVER],
  ["Time", (run) => duration(run.duration_ms)],
  ["Models", (run) => run.models.join(", ")],
  ["Model calls", (run) => number(run.model_calls)],
  ["Prompt tokens", (run) => number(run.prompt_tokens)],
  ["Answer tokens", (run) => number(run.completion_tokens)],
  ["Tool calls", (run) => number(run.tool_calls)],
  ["Changed", (run) => number(run.writes_applied)],
];

const differs = (one, other) => (one === other ? "" : "differs");

function Table({ title, children }) {
  return html`<section class="card scroll-x" tabindex="0" aria-label=${title}><table class="table compare"><caption>${title}</caption>${children}</table></section>`;
}

function Sides({ runs }) {
  return html`<${Table} title="In numbers">
    <thead><tr><td></td>${runs.map((run) => html`<th key=${run.id}><a href=${`/runs/${run.id}`} dir="auto">${oneLine(run.request, 60)}</a></th>`)}</tr></thead>
    <tbody>${ROWS.map(([name, of]) => html`<tr key=${name} class=${differs(...runs.map(of))}><th scope="row">${name}</th>${runs.map((run) => html`<td>${of(run)}</td>`)}</tr>`)}</tbody>
  <//>`;
}

function Steps({ steps }) {
  if (!steps.length) return null;
  const cell = (step, side) => (step.status[side] === null ? NEVER : html`${STEP_WORDS[step.status[side]] ?? step.status[side]} · ${duration(step.duration_ms[side])}<span class="block small quiet" dir="auto">${step.description[side]}</span>`);
  return html`<${Table} title="Steps">
    <thead><tr><th>Step</th><th>First</th><th>Second</th></tr></thead>
    <tbody>${steps.map((step) => html`<tr key=${step.number} class=${step.same ? "" : "differs"}><th scope="row">${step.number}</th><td>${cell(step, 0)}</td><td>${cell(step, 1)}</td></tr>`)}</tbody>
  <//>`;
}

function Tools({ tools }) {
  if (!tools.length) return null;
  const cell = (tool, side) => `${number(tool.calls[side])}${tool.failed[side] ? `, ${tool.failed[side]} in vain` : ""} · ${duration(tool.duration_ms[side])}`;
  return html`<${Table} title="Tools">
    <thead><tr><th>Tool</th><th>First</th><th>Second</th></tr></thead>
    <tbody>${tools.map((tool) => html`<tr key=${tool.tool} class=${differs(...tool.calls)}><th scope="row">${tool.tool.replaceAll("_", " ")}</th><td>${cell(tool, 0)}</td><td>${cell(tool, 1)}</td></tr>`)}</tbody>
  <//>`;
}

const SIGNS = { both: " ", first: "−", second: "+" };

function Answers({ answers }) {
  return html`<section class="card" aria-label="Answers"><h2 class="small-title">Answers</h2>
    ${answers.same ? html`<p>Both answers are the same, word for word.</p>` : !answers.lines.length ? html`<p>They differ, and are too long to compare line by line.</p>` : html`<ol class="plain lines">
      ${answers.lines.map((line, place) => html`<li key=${place} class=${line.of}><span class="mono" aria-hidden="true">${SIGNS[line.of]}</span><span class="unseen">${line.of === "both" ? "" : `${line.of} only: `}</span><span dir="auto">${line.text}</span></li>`)}
    </ol>`}
  </section>`;
}
