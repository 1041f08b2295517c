// One turn of a conversation: what the person wrote, what is being done about it, and the answer.

import { useState } from "../vendor/preact-hooks.mjs";
import { Answer } from "./answer.js";
import { changesOf } from "./changes.js";
import { chosen, say, setDraft, underWay } from "./conversation.js";
import { focusBox } from "./focus.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { lazy } from "./lazy.js";
import { wordsOf } from "./notice.js";
import { hasEnded } from "./reducer.js";
import { activity, factsOf, standing } from "./run_header.js";
import { showTab } from "./run_panel.js";
import { STRATEGY_WORDS, clock, counted, exactly } from "./wording.js";

const ApprovalCard = lazy(() => import("./approval.js"), "ApprovalCard");

export function Turn({ turn, isLast }) {
  const { run } = turn;
  return html`<article class=${`turn ${run !== null && chosen.value === run ? "chosen" : ""}`} data-row tabindex="-1" aria-label=${`You asked: ${turn.question.slice(0, 80)}`}>
    <div class="question">
      <div class="bubble" dir="auto">${turn.question}</div>
      <div class="under">
        <time class="quiet small" datetime=${turn.sent_at} title=${exactly(turn.sent_at)}>${clock(turn.sent_at)}</time>
        <button class="bare" title="Edit and send again" onClick=${() => edit(turn.question)}><${Icon} name="pen" label="Edit and send again" /></button>
      </div>
    </div>
    ${run === null ? html`<${Stored} turn=${turn} />` : html`<${Told} turn=${turn} run=${run} isLast=${isLast} />`}
  </article>`;
}

function edit(text) {
  setDraft(text);
  focusBox();
}

function Stored({ turn }) {
  return turn.answer === null ? null : html`<${Answer} text=${turn.answer} />`;
}

function Told({ turn, run, isLast }) {
  const view = run.view.value;
  const ended = hasEnded(view);
  const answer = view.answer || turn.answer || "";
  const works = !ended && turn.answer === null && run.refusal.value === null && !view.waiting;
  return html`<div class="reply">
    ${view.analysis && html`<${Route} turn=${turn} analysis=${view.analysis} ended=${ended} isLast=${isLast} />`}
    <${Decisions} run=${run} />
    ${works && html`<p class="activity"><${Icon} name="dots" kind="turning" /> <span dir="auto">${activity(run)}</span></p>`}
    ${answer && html`<${Answer} text=${answer} live=${works && view.answer !== ""} />`}
    ${view.waiting && html`<${ApprovalCard} key=${view.waiting.digest} run=${run} />`}
    <${Trouble} turn=${turn} run=${run} view=${view} />
    <${Changed} view=${view} />
    <${Foot} turn=${turn} run=${run} answer=${answer} ended=${ended || turn.answer !== null} />
  </div>`;
}

function Route({ turn, analysis, ended, isLast }) {
  const [open, setOpen] = useState(false);
  const again = (route) => say(turn.question, { route });
  return html`<div class="route small">
    <button class="linkish" aria-expanded=${open} onClick=${() => setOpen(!open)}>
      ${STRATEGY_WORDS[analysis.strategy]} <${Icon} name="down" kind=${open ? "flipped" : ""} /><span class="unseen"> why this route</span>
    </button>
    ${open && html`<div class="why">
      <p dir="auto">${analysis.reasoning}</p>
      ${ended && isLast && !underWay.value && html`<div class="bar">
        ${analysis.strategy !== "complex" && html`<button class="ghost small" onClick=${() => again("plan")}>Make a plan anyway</button>`}
        ${analysis.strategy !== "simple" && html`<button class="ghost small" onClick=${() => again("answer")}>Just answer</button>`}
      </div>`}
    </div>`}
  </div>`;
}

const DECISION_WORDS = { approved: "Approved by you", denied: "Denied by you", expired: "The time to answer ran out", cancelled: "Withdrawn" };

function Decisions({ run }) {
  const stored = (run.trace.value?.approvals ?? []).filter(({ approval }) => approval.closed_at);
  const said = stored.map(({ approval, calls }) => ({ status: approval.status, at: approval.closed_at, count: calls.length, note: approval.note }));
  const here = run.decided.value;
  if (!said.length && here) said.push({ status: here.decision === "approve" ? "approved" : "denied", at: here.at });
  return said.map(({ status, at, count, note }) => html`<p class="decision small" key=${at}>
    <${Icon} name="shield" /> ${DECISION_WORDS[status] ?? status} ${clock(at)}${count ? ` · ${counted(count, "call")}` : ""}${note ? html` · “<span dir="auto">${note}</span>”` : ""}
  </p>`);
}

function Trouble({ turn, run, view }) {
  const refusal = run.refusal.value;
  if (view.failure) {
    return html`<div class="trouble" role="alert">
      <p><${Icon} name="warn" /> <span dir="auto">${view.failure.error}</span></p>
      <div class="bar">
        ${view.failure.retryable && html`<button class="ghost small" onClick=${() => say(turn.question)}><${Icon} name="retry" /> Try again</button>`}
        <button class="ghost small" onClick=${() => edit(turn.question)}><${Icon} name="pen" /> Edit and send again</button>
      </div>
    </div>`;
  }
  if (refusal === null || run.id.value === null) return null;
  return html`<div class="trouble" role="alert">
    <p><${Icon} name="warn" /> ${wordsOf(refusal.code, refusal.message)}</p>
    ${refusal.code !== "events_expired" && html`<button class="ghost small" onClick=${() => run.catchUp()}><${Icon} name="retry" /> Read it again</button>`}
  </div>`;
}

function Changed({ view }) {
  const changes = changesOf(view.tools);
  if (!changes.length) return null;
  return html`<div class="changed-list">
    <span class="small quiet">Changed</span>
    ${changes.map(({ key, href, name, done }) => html`<a class="chip" key=${key} href=${href}><span class="badge changed">${done}</span> <span dir="auto">${name}</span></a>`)}
  </div>`;
}

function Foot({ turn, run, answer, ended }) {
  const { kind, words } = standing(run);
  const isKnown = run.view.value.last_seq > 0 || run.refusal.value !== null;
  if (!ended) return null;
  return html`<div class="foot">
    ${answer && html`<${Copy} text=${answer} />`}
    <button class="bare" title="Ask again" onClick=${() => say(turn.question)}><${Icon} name="retry" label="Ask again" /></button>
    <button class="linkish small" onClick=${() => showHow(run)}>Show how</button>
    ${isKnown && html`<span class=${`small facts ${kind}`}>${[words, ...factsOf(run)].join(" · ")}</span>`}
  </div>`;
}

function showHow(run) {
  chosen.value = run;
  if (run.view.value.last_seq === 0) run.catchUp();
  showTab("plan");
}

function Copy({ text }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("The browser did not allow it");
    }
  };
  return html`<button class="bare" title="Copy the answer" onClick=${copy}><${Icon} name=${said === "Copied" ? "check" : "copy"} label="Copy the answer" /></button>
    <span class="small quiet" role="status">${said}</span>`;
}
