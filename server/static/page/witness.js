// What the fold does not keep: when executors and calls were seen to begin and end, and the
// plan's earlier revisions. Times are ms since the watching began, absent for what was replayed.

import { readEvent } from "./events.js";

export const NOTHING_SEEN = Object.freeze({ last_seq: 0, times: new Map(), revisions: [] });

/** Return what was seen with one more event in it. */
export function witness(seen, arrival) {
  if (arrival.seq <= seen.last_seq) return seen;
  const next = { ...seen, last_seq: arrival.seq };
  const event = readEvent(arrival.payload);
  if (event?.type === "plan_created") return { ...next, revisions: [...seen.revisions, event.plan] };
  const at_ms = arrival.at_ms ?? null;
  const mark = event === null || at_ms === null ? null : MARKS[event.type]?.(event);
  if (!mark) return next;
  const times = new Map(seen.times);
  times.set(mark.id, { ...times.get(mark.id), [mark.edge]: at_ms });
  return { ...next, times };
}

const MARKS = {
  executor_spawned: (event) => ({ id: event.executorId, edge: "began_ms" }),
  executor_result: (event) => ({ id: event.executorId, edge: "ended_ms" }),
  tool_call: (event) => ({ id: event.tool_call.id, edge: "began_ms" }),
  tool_result: (event) => ({ id: event.tool_result.tool_call_id, edge: "ended_ms" }),
};

/** Return how a revision differs from the one before it: numbers of added, dropped and changed steps. */
export function difference(before, after) {
  const old = new Map(before.steps.map((step) => [step.stepNumber, step]));
  const fresh = new Map(after.steps.map((step) => [step.stepNumber, step]));
  return {
    added: after.steps.filter((step) => !old.has(step.stepNumber)).map((step) => step.stepNumber),
    dropped: before.steps.filter((step) => !fresh.has(step.stepNumber)).map((step) => step.stepNumber),
    changed: after.steps.filter((step) => hasChanged(old.get(step.stepNumber), step)).map((step) => step.stepNumber),
  };
}

const SHAPE = (step) => JSON.stringify([step.description, step.tools, step.dependsOn, step.executorRequired]);

const hasChanged = (before, after) => before !== undefined && SHAPE(before) !== SHAPE(after);
