// The card of a run that waits: the exact calls in words; edit, drop, approve, deny with a note.

import { useEffect, useRef, useState } from "../vendor/preact-hooks.mjs";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { wordsOf } from "./notice.js";
import { clock, counted, exactly, spoken } from "./wording.js";

const LOOK_MS = 5000; // somebody may answer elsewhere, or the time run out

export function ApprovalCard({ run }) {
  const { waiting } = run.view.value;
  const title = useRef();
  const [choices, setChoices] = useState(new Map());
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => title.current.focus(), [waiting.digest]);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || run.catchUp(), LOOK_MS);
    return () => clearInterval(timer);
  }, [run]);

  const kept = waiting.calls.filter((call) => choices.get(call.id)?.drop !== true);
  const faulty = kept.some((call) => choices.get(call.id)?.invalid);
  const set = (call, choice) => setChoices(new Map(choices).set(call.id, choice));
  const say = async (decision) => {
    setBusy(true);
    setTrouble(null);
    try {
      await run.decide(decision, decision === "approve" ? changedCalls(waiting.calls, choices) : {}, note.trim() || null);
    } catch (error) {
      setTrouble(error);
      setBusy(false);
      await run.catchUp();
    }
  };

  return html`<section class="card approval" aria-labelledby="approval-title">
    <h2 id="approval-title" tabindex="-1" ref=${title}><${Icon} name="shield" /> ${headline(kept)}</h2>
    <p class="quiet small">Nothing is changed before you agree. Until <time datetime=${waiting.expires_at} title=${exactly(waiting.expires_at)}>${clock(waiting.expires_at)}, ${new Date(waiting.expires_at).toLocaleDateString("en-GB")}</time>.</p>
    <ol class="plain stack">
      ${waiting.calls.map((call) => html`<${AwaitedCall} key=${call.id} call=${call} choice=${choices.get(call.id)} onChoice=${(choice) => set(call, choice)} />`)}
    </ol>
    <label class="field">
      <span>Note <span class="quiet">(the model is told)</span></span>
      <input value=${note} maxlength="1000" dir="auto" onInput=${(event) => setNote(event.target.value)} />
    </label>
    ${trouble && html`<p class="reason small" role="alert">${wordsOf(trouble.code, trouble.message)}</p>`}
    <div class="bar">
      <button class="primary" disabled=${busy || faulty || kept.length === 0} onClick=${() => say("approve")}>${approveWords(kept, waiting.calls)}</button>
      <button class="ghost" disabled=${busy} onClick=${() => say("deny")}>Deny</button>
    </div>
  </section>`;
}

function headline(calls) {
  if (!calls.length) return "Nothing is left to do";
  const kinds = new Map();
  for (const { tool } of calls) {
    const [verb, noun] = VERBS[tool] ?? ["run", "call"];
    const key = `${verb} ${noun}`;
    kinds.set(key, { verb, noun, count: (kinds.get(key)?.count ?? 0) + 1 });
  }
  const parts = [...kinds.values()].map(({ verb, noun, count }) => `${verb} ${counted(count, noun)}`);
  return `Will ${parts.join(", ")}`;
}

const VERBS = {
  create_task: ["create", "task"],
  update_task: ["change", "task"],
  update_project: ["change", "project"],
  create_note: ["create", "note"],
  create_brain_dump: ["create", "brain dump"],
  schedule_task: ["schedule", "task"],
  update_or_schedule_task: ["schedule", "task"],
  update_calendar_event: ["change", "calendar event"],
  delete_calendar_event: ["delete", "calendar event"],
};

function approveWords(kept, all) {
  return kept.length === all.length ? "Approve" : `Approve ${kept.length} of ${all.length}`;
}

function changedCalls(calls, choices) {
  const changed = {};
  for (const { id } of calls) {
    const choice = choices.get(id);
    if (choice?.drop) changed[id] = { drop: true };
    else if (choice?.arguments) changed[id] = { arguments: choice.arguments };
  }
  return changed;
}

function AwaitedCall({ call, choice, onChoice }) {
  const [editing, setEditing] = useState(false);
  const dropped = choice?.drop === true;
  return html`<li class=${`awaited ${dropped ? "dropped" : ""}`}>
    <div class="bar top">
      <span class="grow"><b>${spoken(call.tool)}</b>: <span dir="auto">${call.target}</span></span>
      ${dropped
        ? html`<button class="ghost small" onClick=${() => onChoice(undefined)}>Put back</button>`
        : html`<button class="ghost small" aria-expanded=${editing} onClick=${() => setEditing(!editing)}>Edit</button>
            <button class="ghost small" onClick=${() => onChoice({ drop: true })}>Drop</button>`}
    </div>
    ${call.unknown && html`<p class="warn-text small"><${Icon} name="warn" /> It has begun before, and nobody knows whether it took effect. To approve is to run it again.</p>`}
    ${dropped ? html`<p class="quiet small">Left out.</p>` : html`<${Changes} call=${call} choice=${choice} />`}
    ${editing && !dropped && html`<${Editor} call=${call} choice=${choice} onChoice=${onChoice} />`}
  </li>`;
}

function Changes({ call, choice }) {
  if (choice?.arguments) {
    return html`<dl class="changes"><div><dt>changed by you</dt><dd class="mono" dir="auto">${JSON.stringify(choice.arguments)}</dd></div></dl>`;
  }
  if (!call.changes.length) {
    return html`<dl class="changes">${Object.entries(call.arguments).map(([name, value]) => html`<div key=${name}><dt>${name.replaceAll("_", " ")}</dt><dd dir="auto">${shown(value)}</dd></div>`)}</dl>`;
  }
  return html`<dl class="changes">
    ${call.changes.map((change) => html`<div key=${change.field}>
      <dt>${change.field.replaceAll("_", " ")}</dt>
      <dd dir="auto">
        ${!isNothing(change.from) && html`<del>${shown(change.from)}</del> <span aria-hidden="true">→</span><span class="unseen"> becomes </span> `}
        <ins>${isNothing(change.to) ? "nothing" : shown(change.to)}</ins>
      </dd>
    </div>`)}
  </dl>`;
}

const isNothing = (value) => value === undefined || value === null || value === "";
const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));

function Editor({ call, choice, onChoice }) {
  const [text, setText] = useState(JSON.stringify(choice?.arguments ?? call.arguments, null, 2));
  const typed = (event) => {
    setText(event.target.value);
    const read = objectIn(event.target.value);
    onChoice(read === null ? { ...choice, invalid: true } : { arguments: read });
  };
  return html`<label class="field">
    <span>Arguments of this call, as JSON</span>
    <textarea class="mono" rows=${Math.min(12, text.split("\n").length + 1)} value=${text} spellcheck="false" onInput=${typed}></textarea>
    ${choice?.invalid && html`<span class="reason small" role="alert">This is not a JSON object yet.</span>`}
  </label>`;
}

function objectIn(text) {
  try {
    const read = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? read : null;
  } catch {
    return null;
  }
}
