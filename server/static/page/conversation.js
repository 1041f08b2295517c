// The conversation that is open: its session, its turns, and sending into it.

import { computed, signal } from "../vendor/signals.mjs";
import { get, patch, withQuery } from "./api.js";
import { keep, kept } from "./kept.js";
import { hasEnded } from "./reducer.js";
import { go } from "./router.js";
import { WatchedRun, watchedRun } from "./watched_run.js";

const NEW = Object.freeze({ id: null, session: null, state: "ready" });

/** {id, session, state}: state is "ready", "loading", "missing" or "unreachable", and "unopened" at first. */
export const conversation = signal({ ...NEW, state: "unopened" });
/** [{key, question, sent_at, run, answer}]: `run` is a WatchedRun or null, `answer` the stored one or null. */
export const turns = signal([]);
/** The run that the panel shows. */
export const chosen = signal(null);
/** What keeps a message from being sent: {code, text, message, options, until}. */
export const obstacle = signal(null);
export const draft = signal("");
export const opening = signal({ context_type: "global", entity_id: null, approvals: "auto" });

/** The run that works or waits in this conversation, if one does. */
export const underWay = computed(() =>
  turns.value.map((turn) => turn.run).find((run) => run !== null && isUnderWay(run)) ?? null,
);

export function isUnderWay(run) {
  const known = run.trace.value?.run;
  if (run.refusal.value !== null) return false;
  if (run.view.value.last_seq === 0) return known ? known.finished_at === null : run.id.value === null;
  return !hasEnded(run.view.value);
}

export function setDraft(text) {
  draft.value = text;
  keep(`draft:${conversation.value.id ?? "new"}`, text);
}

/** Open a session, or an empty page for a new one. */
export async function open(session_id) {
  const { id, state } = conversation.value;
  if (id === session_id && state === "ready" && (id !== null || turns.value.length === 0)) return;
  turns.value.forEach((turn) => turn.run?.leave());
  obstacle.value = null;
  draft.value = kept(`draft:${session_id ?? "new"}`, "");
  if (session_id === null) {
    show(NEW, []);
    return;
  }
  show({ id: session_id, session: null, state: "loading" }, []);
  await load(session_id);
}

/** Read the session again; what this page follows already goes on. */
export async function load(session_id) {
  let found;
  try {
    found = await get(withQuery("/api/agent/stream", { session_id }));
  } catch (error) {
    if (conversation.value.id !== session_id) return;
    const missing = error.code === "not_found" || error.code === "invalid_id";
    conversation.value = { ...conversation.value, state: missing ? "missing" : "unreachable" };
    return;
  }
  if (conversation.value.id !== session_id) return;
  show({ id: session_id, session: found.session, state: "ready" }, turnsOf(found.messages));
  const newest = turns.value.at(-1)?.run ?? null;
  chosen.value = newest;
  await Promise.all(turns.value.filter((turn) => turn.answer === null || turn.run === newest).map(catchUp));
}

const catchUp = (turn) => turn.run?.catchUp();

function show(next, held) {
  conversation.value = next;
  turns.value = held;
  chosen.value = held.at(-1)?.run ?? null;
}

function turnsOf(messages) {
  const held = [];
  for (const message of messages) {
    if (message.role === "user") {
      const run = message.run_id ? watchedRun(message.run_id) : null;
      held.push({ key: message.id, question: message.content, sent_at: message.created_at, run, answer: null });
    } else if (held.length) {
      const last = held.findLast((turn) => turn.run?.id.value === message.run_id) ?? held.at(-1);
      last.answer = (last.answer ?? "") + message.content;
    }
  }
  return held;
}

/** Send a message; `route` asks for a plan or for a plain answer, `if_busy` says what to do behind another message. */
export async function say(message, { route = "auto", if_busy = "reject" } = {}) {
  const run = new WatchedRun();
  const turn = { key: crypto.randomUUID(), question: message, sent_at: new Date().toISOString(), run, answer: null };
  const before = conversation.value;
  obstacle.value = null;
  turns.value = [...turns.value, turn];
  chosen.value = run;
  setDraft("");
  const arrived = run.view.subscribe((view) => view.session && welcome(run, view.session));
  await run.begin(withQuery("/api/agent/stream", { if_busy }), bodyOf(message, before, route), turn.key);
  arrived();
  if (run.id.value === null && run.refusal.value !== null) takeBack(turn, run.refusal.value, { message, route });
}

function bodyOf(message, { id }, route) {
  const { context_type, entity_id, approvals } = opening.value;
  const place = id ? { session_id: id } : { context_type, approvals, ...(entity_id ? { entity_id } : {}) };
  return { message, ...place, ...(route === "auto" ? {} : { route }) };
}

function welcome(run, session) {
  const { id } = conversation.value;
  if (id === session.id || !turns.value.some((turn) => turn.run === run)) return;
  conversation.value = { id: session.id, session, state: "ready" };
  go(`/s/${session.id}`, { replace: id === null });
}

// Nothing was accepted: the text goes back to where it was typed.
function takeBack(turn, refusal, asked) {
  if (!turns.value.includes(turn)) return;
  turns.value = turns.value.filter((held) => held !== turn);
  chosen.value = turns.value.at(-1)?.run ?? null;
  setDraft(asked.message);
  const until = refusal.retry_after_ms ? Date.now() + refusal.retry_after_ms : null;
  obstacle.value = { code: refusal.code, text: refusal.message, until, ...asked };
}

/** Change the title or the mode of approvals of the open session. */
export async function change(fields) {
  const session = await patch(`/api/agent/sessions/${conversation.value.id}`, fields);
  conversation.value = { ...conversation.value, session };
}
