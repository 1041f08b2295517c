// What a new conversation is about, and whether its changes wait for the person.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { get } from "./api.js";
import { change, conversation, opening } from "./conversation.js";
import { html } from "./html.js";
import { PLACE_WORDS } from "./wording.js";

const LISTS = { project: "projects", task: "tasks" };

export function Choices() {
  const { session } = conversation.value;
  return session === null ? html`<${About} /><${Asks} mode=${opening.value.approvals} onMode=${(approvals) => (opening.value = { ...opening.value, approvals })} />`
    : html`<span class="small quiet">${PLACE_WORDS[session.context_type] ?? session.context_type.replaceAll("_", " ")}</span>
        <${Asks} mode=${session.approvals} onMode=${(approvals) => change({ approvals })} />`;
}

function Asks({ mode, onMode }) {
  return html`<label class="check small" title="Whether changes wait until you agree. Deleting and archiving, and what you did not ask for, always wait.">
    <input type="checkbox" checked=${mode === "ask"} onChange=${(event) => onMode(event.target.checked ? "ask" : "auto")} />
    Ask before changes
  </label>`;
}

function About() {
  const { context_type, entity_id } = opening.value;
  const [rows, setRows] = useState([]);
  const list = LISTS[context_type];
  useEffect(() => {
    setRows([]);
    if (list) get(`/api/workspace/${list}?limit=100`).then(({ items }) => setRows(items), () => {});
  }, [list]);
  const chooseKind = (event) => (opening.value = { ...opening.value, context_type: event.target.value, entity_id: null });
  const chooseRow = (event) => (opening.value = { ...opening.value, entity_id: event.target.value || null });
  return html`<label class="small select">
      <span class="unseen">What the conversation is about</span>
      <select value=${context_type} onChange=${chooseKind}>
        ${["global", "project", "task", "calendar"].map((kind) => html`<option value=${kind}>${PLACE_WORDS[kind]}</option>`)}
      </select>
    </label>
    ${list && html`<label class="small select">
      <span class="unseen">Which ${context_type}</span>
      <select value=${entity_id ?? ""} onChange=${chooseRow}>
        <option value="">Which one?</option>
        ${rows.map((row) => html`<option value=${row.id}>${row.name ?? row.title}</option>`)}
      </select>
    </label>`}`;
}
