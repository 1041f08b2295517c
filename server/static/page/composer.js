// The message box: Enter sends, Shift+Enter breaks the line, and nothing typed is ever lost.

import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.mjs";
import { Choices } from "./choices.js";
import { conversation, draft, obstacle, say, setDraft, underWay } from "./conversation.js";
import { BOX } from "./focus.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { keep } from "./kept.js";
import { wordsOf } from "./notice.js";
import { go } from "./router.js";

const MOST_BYTES = 16 * 1024;
const MOST_LINES_PX = 220;

export function Composer() {
  const box = useRef();
  const working = underWay.value;
  const text = draft.value;
  const bytes = text.length > MOST_BYTES / 4 ? new TextEncoder().encode(text).length : 0;
  useLayoutEffect(() => {
    box.current.style.height = "auto";
    box.current.style.height = `${Math.min(box.current.scrollHeight, MOST_LINES_PX)}px`;
  }, [text]);
  useEffect(() => box.current.focus(), [conversation.value.id]);
  const send = () => {
    if (text.trim() && bytes <= MOST_BYTES) say(text.trim());
  };
  const pressed = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };
  const submitted = (event) => {
    event.preventDefault();
    send();
  };
  return html`<form class="composer" onSubmit=${submitted}>
    <${Obstacle} />
    <div class="box">
      <label class="unseen" for=${BOX}>Message</label>
      <textarea id=${BOX} ref=${box} rows="1" dir="auto" value=${text} placeholder="Ask about your projects, tasks, notes and calendar"
        onInput=${(event) => setDraft(event.target.value)} onKeyDown=${pressed}></textarea>
      <div class="bar">
        <${Choices} />
        <span class="grow"></span>
        ${bytes > MOST_BYTES && html`<span class="reason small" role="alert">Too long: 16 KB is the most.</span>`}
        ${working && html`<${Stop} run=${working} />`}
        <button class="primary round" disabled=${!text.trim() || bytes > MOST_BYTES}><${Icon} name="send" label="Send" /></button>
      </div>
    </div>
  </form>`;
}

function Stop({ run }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => setAsked(false), [run]);
  if (run.id.value === null) return null;
  return html`<button class="ghost small" type="button" disabled=${asked} onClick=${() => { setAsked(true); stopRun(run); }}>
    <${Icon} name="stop" /> ${asked ? "Stopping…" : "Stop"} <kbd>Esc</kbd>
  </button>`;
}

/** Stop a run; the log says how it ended. */
export async function stopRun(run) {
  try {
    await run.stop();
  } catch (error) {
    if (error.code !== "run_finished") obstacle.value = { code: error.code, text: error.message, until: null };
  }
  if (run.view.value.waiting) await run.catchUp();
}

function Obstacle() {
  const met = obstacle.value;
  const [now, setNow] = useState(Date.now());
  const left_s = met?.until ? Math.max(0, Math.ceil((met.until - now) / 1000)) : 0;
  useEffect(() => {
    if (!met?.until) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [met]);
  if (met === null) return null;
  const again = (more) => say(met.message, { route: met.route, ...more });
  return html`<div class="obstacle" role="alert">
    <span class="grow">${wordsOf(met.code, met.text)} ${left_s > 0 && html`<b>Again in ${left_s} s.</b>`}</span>
    ${met.code === "session_busy" && met.message
      ? html`<button type="button" class="ghost small" onClick=${() => again({ if_busy: "enqueue" })}>Wait for it</button>
          <button type="button" class="ghost small" onClick=${() => stopAndSay(again)}>Stop the other</button>
          <button type="button" class="ghost small" onClick=${() => elsewhere(met.message)}>New conversation</button>`
      : met.message && html`<button type="button" class="ghost small" disabled=${left_s > 0} onClick=${() => again({})}>Send again</button>`}
    <button type="button" class="bare" onClick=${() => (obstacle.value = null)}><${Icon} name="cross" label="Close this notice" /></button>
  </div>`;
}

async function stopAndSay(again) {
  const other = underWay.value;
  if (other !== null) await stopRun(other);
  again({ if_busy: "enqueue" });
}

function elsewhere(message) {
  setDraft("");
  keep("draft:new", message);
  go("/");
}
