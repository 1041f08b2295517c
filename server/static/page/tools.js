// One tool call as a row: folded when all is well, opened when not; what changed something is marked.

import { useState } from "../vendor/preact-hooks.mjs";
import { html } from "./html.js";
import { Icon, Mark } from "./icons.js";
import { duration, firstSentence, oneLine, spoken } from "./wording.js";

const WRITES = new Set([
  "create_task",
  "update_task",
  "update_project",
  "create_note",
  "create_brain_dump",
  "schedule_task",
  "update_calendar_event",
  "delete_calendar_event",
  "update_or_schedule_task",
]);
const SHOWN_CHARS = 20_000; // of a result; the trace has the whole of it

export const isWrite = (tool) => WRITES.has(tool.name);
export const hasChanged = (tool) => isWrite(tool) && tool.success === true;

const ENDS = [
  [/^It is not known whether/, { status: "skipped", word: "outcome unknown" }],
  [/^The person said no/, { status: "stopped", word: "denied by you" }],
  [/^Not done: /, { status: "stopped", word: "not done" }],
  [/may only read|may not|is not offered|not permitted|not one of this step/i, { status: "failed", word: "denied" }],
];

/** Return how a call stands: {status, word}. An outcome nobody knows is not called a failure. */
export function callState(tool, ended, waits = false) {
  if (tool.success === null && waits) return { status: "pending", word: "waits for you" };
  if (tool.success === null) return ended ? { status: "stopped", word: "stopped" } : { status: "executing", word: "running" };
  if (tool.success) return { status: "completed", word: "done" };
  const known = ENDS.find(([said]) => said.test(tool.error ?? ""));
  return known ? known[1] : { status: "failed", word: "failed" };
}

/** Say whether a run waits for its person before this call. */
export const isAwaited = (tool, view) => view.waiting?.calls.some((call) => call.id === tool.id) ?? false;

export function ToolRow({ tool, ended, waits }) {
  const { status, word } = callState(tool, ended, waits);
  const [open, setOpen] = useState(null);
  const isOpen = open ?? (tool.success === false || tool.success === null);
  const told = tool.success === false ? (tool.error ?? tool.result?.message) : tool.result?.message;
  return html`<li class=${`tool ${status}`}>
    <button class="tool-head" aria-expanded=${isOpen} data-row onClick=${() => setOpen(!isOpen)}>
      <${Mark} status=${status} />
      <span class="grow">
        <span class="clip block"><b>${spoken(tool.name)}</b> <span class="quiet" dir="auto">${subjectOf(tool)}</span></span>
        <span class="small quiet block" dir="auto">${[word, tool.duration_ms !== null && duration(tool.duration_ms), told && firstSentence(told)].filter(Boolean).join(" · ")}</span>
      </span>
      ${hasChanged(tool) && html`<span class="badge changed">changed</span>`}
      <${Icon} name="down" kind=${isOpen ? "flipped" : ""} />
    </button>
    ${isOpen && html`<${ToolBody} tool=${tool} status=${status} word=${word} />`}
  </li>`;
}

function ToolBody({ tool, status, word }) {
  return html`<div class="tool-body">
    ${word === "denied" && html`<p class="small reason">A rule refused this call: <span dir="auto">${tool.error}</span></p>`}
    ${word === "outcome unknown" && html`<p class="small warn-text">Whether this took effect is not known. Please check it in your workspace before asking again.</p>`}
    ${status === "failed" && word !== "denied" && tool.error && html`<p class="small reason" dir="auto">${tool.error}</p>`}
    <${Json} title="Asked" text=${tool.arguments} />
    ${tool.result !== null && html`<${Json} title="Answered" text=${JSON.stringify(tool.result)} />`}
  </div>`;
}

/** Show JSON as text in lines, cut where it is longer than anybody reads. */
export function Json({ title, text }) {
  const pretty = prettied(text);
  const cut = pretty.length > SHOWN_CHARS;
  return html`<figure class="json">
    <figcaption class="small quiet">${title}</figcaption>
    <pre tabindex="0" dir="auto">${cut ? pretty.slice(0, SHOWN_CHARS) : pretty}${cut && "\n…"}</pre>
    ${cut && html`<p class="small quiet">Shortened: it has ${pretty.length.toLocaleString("en")} characters.</p>`}
  </figure>`;
}

function prettied(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // a model may write what is no JSON; it is shown as it is
  }
}

/** Return what a call is about in a few words: its first telling arguments. */
export function subjectOf(tool) {
  let read;
  try {
    read = JSON.parse(tool.arguments);
  } catch {
    return oneLine(tool.arguments, 60);
  }
  if (typeof read !== "object" || read === null) return "";
  const named = tool.result?.task ?? tool.result?.project ?? tool.result?.note ?? tool.result?.event;
  const name = named?.title ?? named?.name ?? named?.summary;
  if (name) return oneLine(name, 60);
  const parts = Object.entries(read).map(([key, value]) => `${key.replaceAll("_", " ")}: ${inWords(value)}`);
  return oneLine(parts.join(" · "), 80);
}

function inWords(value) {
  if (Array.isArray(value)) return value.map(inWords).join(", ").replaceAll("_", " ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
