// The workspace as the agent reads it, to see what changed. Nothing is changed here.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { get, withQuery } from "./api.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { place, setQuery } from "./router.js";
import { SearchBox } from "./search_box.js";
import { clock, day, exactly, spoken } from "./wording.js";

const KINDS = { tasks: "Tasks", projects: "Projects", notes: "Notes", brain_dumps: "Brain dumps", calendar: "Calendar" };
const WINDOW_MS = 28 * 86_400_000;

export function WorkspaceScreen() {
  const { query } = place.value;
  const kind = query.get("kind") in KINDS ? query.get("kind") : "tasks";
  const search = query.get("search") ?? "";
  const row_id = query.get("row");
  const [shown, setShown] = useState({ items: [], next: null, state: "loading" });
  const read = async (after = null) => {
    try {
      const found = await get(addressOf(kind, search, after));
      setShown((before) => ({ next: found.next ?? null, items: after ? [...before.items, ...found.items] : found.items, state: "ready" }));
    } catch {
      setShown({ items: [], next: null, state: "unreachable" });
    }
  };
  useEffect(() => {
    setShown({ items: [], next: null, state: "loading" });
    read();
  }, [kind, search]);
  return html`<main class="screen" id="main">
    <h1>Workspace</h1>
    <div class="bar">
      <div class="segments" role="group" aria-label="What is shown">
        ${Object.entries(KINDS).map(([name, words]) => html`<button key=${name} aria-pressed=${kind === name} onClick=${() => setQuery({ kind: name, row: null, search: null })}>${words}</button>`)}
      </div>
      ${kind !== "calendar" && html`<${SearchBox} label=${`Search ${KINDS[kind].toLowerCase()}`} value=${search} onSearch=${(text) => setQuery({ search: text })} />`}
    </div>
    ${row_id && html`<${Row} key=${row_id} kind=${kind} row_id=${row_id} />`}
    ${shown.state === "unreachable" && html`<p class="quiet">This cannot be read just now.</p>`}
    ${shown.state === "ready" && shown.items.length === 0 && html`<p class="quiet">There is nothing here.</p>`}
    <ul class="plain list card flush">
      ${shown.items.map((item) => html`<${Item} key=${item.id + (item.starts_at ?? "")} item=${item} kind=${kind} open=${item.id === row_id} />`)}
    </ul>
    ${shown.next && html`<button class="ghost" onClick=${() => read(shown.next)}>Show more</button>`}
  </main>`;
}

function addressOf(kind, search, after) {
  const path = `/api/workspace/${kind}`;
  if (kind !== "calendar") return withQuery(path, { search, after, limit: 50 });
  const now = Date.now();
  return withQuery(path, { since: new Date(now - WINDOW_MS / 4).toISOString(), until: new Date(now + WINDOW_MS).toISOString() });
}

const BADGES = { done: "good", completed: "good", active: "live", in_progress: "live", blocked: "bad", failed: "bad", paused: "warn", pending: "warn" };

function Item({ item, kind, open }) {
  const status = item.status;
  return html`<li class=${open ? "open" : ""}>
    <button class="item" data-row aria-expanded=${open} onClick=${() => setQuery({ kind, row: open ? null : item.id })}>
      <span class="grow"><b dir="auto">${item.title ?? item.name ?? item.summary ?? item.opening ?? "Without a title"}</b><span class="quiet small block" dir="auto">${factsOf(item, kind)}</span></span>
      ${item.priority === "high" && html`<span class="badge bad">high priority</span>`}
      ${status && html`<span class=${`badge ${BADGES[status] ?? ""}`}>${status.replaceAll("_", " ")}</span>`}
    </button>
  </li>`;
}

function factsOf(item, kind) {
  if (kind === "calendar") return `${day(item.starts_at)}, ${item.all_day ? "all day" : `${clock(item.starts_at)}–${clock(item.ends_at)}`}${item.recurrence ? ` · ${item.recurrence}` : ""}${item.task_title ? ` · ${item.task_title}` : ""}`;
  if (kind === "projects") return [`${item.done} of ${item.backlog + item.in_progress + item.blocked + item.done} tasks done`, item.opening].filter(Boolean).join(" · ");
  if (kind === "tasks") return [item.start_date && `${day(item.start_date)}, ${clock(item.start_date)}`, item.project_name].filter(Boolean).join(" · ") || "no date";
  return [item.ai_summary ?? item.opening, item.project_name].filter(Boolean).join(" · ");
}

const HIDDEN = new Set(["id", "user_id"]);

function Row({ kind, row_id }) {
  const [row, setRow] = useState(null);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    get(`/api/workspace/${kind}/${row_id}`).then(setRow, setTrouble);
  }, [kind, row_id]);
  if (trouble) return html`<section class="card" aria-label="One row"><p>${trouble.status === 404 ? "It is not there any more." : "It cannot be read just now."}</p></section>`;
  if (row === null) return null;
  const filled = Object.entries(row).filter(([name, value]) => !HIDDEN.has(name) && value !== null && value !== "" && !(Array.isArray(value) && !value.length));
  return html`<section class="card" aria-label="One row">
    <div class="bar"><h2 class="grow" dir="auto">${row.title ?? row.name ?? row.summary ?? "Without a title"}</h2><button class="bare" onClick=${() => setQuery({ row: null })}><${Icon} name="cross" label="Close the row" /></button></div>
    <dl class="facts-list">${filled.map(([name, value]) => html`<div key=${name}><dt>${spoken(name)}</dt><dd dir="auto">${shown(name, value)}</dd></div>`)}</dl>
  </section>`;
}

function shown(name, value) {
  if (typeof value === "string" && /_at$|^start_date$/.test(name) && value.includes("T")) return exactly(value);
  if (Array.isArray(value)) return value.map((one) => (typeof one === "object" ? JSON.stringify(one) : one)).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
