// The sessions at the left: search, rename, delete, and a dot on those that are at work.

import { useEffect, useRef, useState } from "../vendor/preact-hooks.mjs";
import { effect, signal } from "../vendor/signals.mjs";
import { get, patch, remove, withQuery } from "./api.js";
import { conversation, load, underWay } from "./conversation.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { go, place } from "./router.js";
import { SearchBox } from "./search_box.js";
import { when } from "./wording.js";

const LOOK_MS = 20_000; // what other tabs and devices did

export const sessions = signal({ held: [], next: null, search: "", state: "loading" });

/** Read the list from its beginning. */
export async function refreshSessions(search = sessions.value.search) {
  try {
    const { sessions: held, next = null } = await get(withQuery("/api/agent/sessions", { search, limit: 40 }));
    sessions.value = { held, next, search, state: "ready" };
  } catch {
    sessions.value = { ...sessions.value, search, state: "unreachable" };
  }
}

async function more() {
  const { held, next, search } = sessions.value;
  const page = await get(withQuery("/api/agent/sessions", { search, limit: 40, after: next }));
  sessions.value = { ...sessions.value, held: [...held, ...page.sessions], next: page.next };
}

// A session that was opened, renamed, or whose run began or ended, changes the list.
effect(() => {
  const { session } = conversation.value;
  const working = underWay.value;
  const waits = working?.view.value.waiting;
  if (session !== null || working !== null || waits) setTimeout(refreshSessions);
});

export function SessionList() {
  const { held, next, search, state } = sessions.value;
  useEffect(() => {
    refreshSessions();
    const timer = setInterval(() => document.hidden || refreshSessions(), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<section class="sessions" aria-label="Conversations">
    <${SearchBox} label="Search conversations" value=${search} onSearch=${refreshSessions} />
    ${held.length === 0 && html`<p class="quiet small">${emptyWords(state, search)}</p>`}
    <ul class="plain rows">
      ${held.map((session) => html`<${SessionRow} key=${session.id} session=${session} />`)}
    </ul>
    ${next && html`<button class="ghost wide" onClick=${more}>Show older ones</button>`}
  </section>`;
}

function emptyWords(state, search) {
  if (state === "loading") return "Loading…";
  if (state === "unreachable") return "The list cannot be read just now.";
  return search ? "No conversation has these words." : "Your conversations will be here.";
}

function SessionRow({ session }) {
  const [mode, setMode] = useState("read");
  const isOpen = place.value.screen === "chat" && conversation.value.id === session.id;
  const leave = () => setMode("read");
  if (mode === "rename") return html`<li><${Rename} session=${session} leave=${leave} /></li>`;
  if (mode === "delete") return html`<li><${Delete} session=${session} leave=${leave} /></li>`;
  return html`<li class=${`session ${isOpen ? "open" : ""}`}>
    <a href=${`/s/${session.id}`} aria-current=${isOpen ? "page" : null} data-row>
      <span class="title" dir="auto">${session.title}</span>
      <span class="quiet small">
        ${session.run ? html`<${AtWork} run=${session.run} />` : when(session.last_message_at)}
      </span>
    </a>
    <span class="acts">
      <button class="bare" title="Rename" onClick=${() => setMode("rename")}><${Icon} name="pen" label=${`Rename ${session.title}`} /></button>
      <button class="bare" title="Delete" onClick=${() => setMode("delete")}><${Icon} name="bin" label=${`Delete ${session.title}`} /></button>
    </span>
  </li>`;
}

function AtWork({ run }) {
  const waits = run.status === "waiting";
  return html`<span class=${`dot ${waits ? "waits" : "works"}`}></span> ${waits ? "waits for you" : "working"}`;
}

function Rename({ session, leave }) {
  const input = useRef();
  useEffect(() => input.current.select(), []);
  const save = async (event) => {
    event.preventDefault();
    const title = input.current.value.trim();
    leave();
    if (!title || title === session.title) return;
    await patch(`/api/agent/sessions/${session.id}`, { title });
    await refreshSessions();
    if (conversation.value.id === session.id) await load(session.id);
  };
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    leave();
  };
  return html`<form class="inline" onSubmit=${save} onKeyDown=${escape}>
    <input ref=${input} value=${session.title} maxlength="200" aria-label="New title" dir="auto" />
    <button class="bare"><${Icon} name="check" label="Save the title" /></button>
    <button class="bare" type="button" onClick=${leave}><${Icon} name="cross" label="Keep the title" /></button>
  </form>`;
}

function Delete({ session, leave }) {
  const sure = useRef();
  useEffect(() => sure.current.focus(), []);
  const really = async () => {
    await remove(`/api/agent/sessions/${session.id}`);
    if (conversation.value.id === session.id) go("/");
    await refreshSessions();
  };
  return html`<div class="confirm" role="alertdialog" aria-label="Delete this conversation?">
    <p class="small">Delete “<span dir="auto">${session.title}</span>” with its runs? What runs in it stops.</p>
    <button class="danger small" ref=${sure} onClick=${really}>Delete</button>
    <button class="ghost small" onClick=${leave}>Keep</button>
  </div>`;
}
