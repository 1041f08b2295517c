// The conversation: empty with examples, or turn by turn; the scroll stays where the person put it.

import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.mjs";
import { get } from "./api.js";
import { Composer } from "./composer.js";
import { conversation, load, open, say, turns, underWay } from "./conversation.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { hasEnded } from "./reducer.js";
import { place } from "./router.js";
import { RunPanel, panelOpen } from "./run_panel.js";
import { Turn } from "./turn.js";

const NEAR_PX = 80; // from the end: whoever is there wants to see what comes

export function ChatScreen() {
  const { ids } = place.value;
  useEffect(() => {
    open(ids[0] ?? null);
  }, [ids[0]]);
  return html`<main class="chat" id="main">
      <${Title} />
      <${Talk} />
      <${Composer} />
      <${Announcer} />
    </main>
    <${RunPanel} />`;
}

function Title() {
  const { session, id } = conversation.value;
  return html`<div class="chat-title">
    <h1 dir="auto">${session?.title ?? (id ? "Conversation" : "New conversation")}</h1>
    <button class="ghost small only-narrow" aria-expanded=${panelOpen.value} onClick=${() => (panelOpen.value = !panelOpen.value)}><${Icon} name="panel" /> Run</button>
  </div>`;
}

function Talk() {
  const view = useRef();
  const sticks = useRef(true);
  const top = useRef(0);
  const [away, setAway] = useState(false);
  const held = turns.value;
  const { state, id } = conversation.value;
  const toEnd = () => view.current?.scrollTo({ top: view.current.scrollHeight });
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = view.current;
    const isNear = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    sticks.current = isNear || (sticks.current && scrollTop >= top.current); // what grew below is no scroll upwards
    top.current = scrollTop;
    setAway(!sticks.current);
  };
  useEffect(() => {
    const growing = new ResizeObserver(() => sticks.current && toEnd());
    growing.observe(view.current.firstElementChild);
    return () => growing.disconnect();
  }, []);
  useLayoutEffect(() => {
    sticks.current = true;
    toEnd();
  }, [id, held.length]);
  return html`<div class="talk-frame">
    <div class="talk" ref=${view} onScroll=${scrolled} tabindex="0" role="group" aria-label="Messages">
      <div class="column">
        ${state === "loading" && html`<p class="quiet">Loading…</p>`}
        ${state === "missing" && html`<${Missing} />`}
        ${state === "unreachable" && html`<p class="quiet">The conversation cannot be read just now. <button class="linkish" onClick=${() => load(id)}>Try again</button></p>`}
        ${state === "ready" && !held.length && html`<${Welcome} />`}
        ${held.map((turn, index) => html`<${Turn} key=${turn.key} turn=${turn} isLast=${index === held.length - 1} />`)}
      </div>
    </div>
    ${away && html`<button class="ghost small to-end" onClick=${toEnd}><${Icon} name="down" /> Newest</button>`}
  </div>`;
}

function Missing() {
  return html`<div class="welcome"><h2>This conversation is not there</h2><p class="quiet">It may have been deleted.</p><a href="/">Begin a new one</a></div>`;
}

function Welcome() {
  const [examples, setExamples] = useState([]);
  useEffect(() => {
    get("/api/agent/examples").then(({ examples: found }) => setExamples(found), () => {});
  }, []);
  return html`<div class="welcome">
    <h2>What can I help with?</h2>
    <p class="quiet">I read your projects, tasks, notes, brain dumps and calendar. I change tasks, notes and events when your words ask for it, and ask you before I do anything else.</p>
    <ul class="plain examples">
      ${examples.map((text) => html`<li key=${text}><button class="example" dir="auto" onClick=${() => say(text)}>${text}</button></li>`)}
    </ul>
  </div>`;
}

// The answer is announced once, when it is ready, and not word by word.
function Announcer() {
  const [said, setSaid] = useState("");
  const working = underWay.value;
  const before = useRef(null);
  const waits = working?.view.value.waiting;
  useEffect(() => {
    const ended = before.current;
    before.current = working;
    if (waits) setSaid("Waiting for your approval.");
    else if (working !== null) setSaid("Working.");
    else if (ended && hasEnded(ended.view.value)) setSaid(wordsAtTheEnd(ended.view.value));
  }, [working, waits]);
  return html`<p class="unseen" role="status" aria-live="polite">${said}</p>`;
}

function wordsAtTheEnd({ failure, finished_reason, answer }) {
  if (failure) return failure.error;
  return finished_reason === "cancelled" ? "Stopped by you." : `The answer is ready. ${answer.slice(0, 2000)}`;
}
