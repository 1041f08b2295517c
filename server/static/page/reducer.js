// What a run looks like so far: a pure fold over its events, the twin of nodes/vocabulary/view.py.
//
// An event that was folded already changes nothing, one that is not known is kept and
// harms nothing, and there is no clock: an arrival is {seq, payload, at_ms}, and whoever
// watches a run live says when it came. Tests fold the same logs in both languages.

import { readEvent } from "./events.js";

export const EMPTY = Object.freeze({
  last_seq: 0,
  run_id: null,
  queue_place: 0,
  session: null,
  analysis: null,
  plan: null,
  steps: [],
  executors: [],
  tools: [],
  answer: "",
  usage: null,
  finished_reason: null,
  failure: null,
  waiting: null,
  unknown: [],
});

const OVER = new Set(["completed", "failed", "skipped"]);

const FOLDS = {
  session: (view, { session, run }) => ({ ...view, run_id: run.id, queue_place: run.queue_place ?? 0, session }),
  analysis: (view, { analysis }) => ({ ...view, analysis }),
  text: (view, { content }) => ({ ...view, answer: view.answer + content }),
  done: (view, { usage, finished_reason, approval }) =>
    approval ? { ...view, usage, waiting: approval } : { ...view, usage, finished_reason },
  error: (view, { error, code, retryable }) => ({ ...view, failure: { error, code, retryable } }),
  plan_created: planned,
  step_start: moved,
  step_complete: moved,
  executor_spawned: (view, { executorId, stepNumber, task }) => ({
    ...view,
    executors: [
      ...view.executors,
      { id: executorId, step_number: stepNumber, description: task.description, goal: task.goal, outcome: null },
    ],
  }),
  executor_result: returned,
  tool_call: called,
  tool_result: answered,
};

/** Return the view with one more event in it. */
export function reduce(view, arrival) {
  if (arrival.seq <= view.last_seq) return view;
  const next = { ...view, last_seq: arrival.seq, waiting: null };
  const event = readEvent(arrival.payload);
  if (event === null) return { ...next, unknown: [...next.unknown, arrival] };
  return FOLDS[event.type](next, event, arrival.at_ms ?? null);
}

export const fold = (arrivals, view = EMPTY) => arrivals.reduce(reduce, view);

/** Say whether the terminal event was seen; a run that waits for a person has not ended. */
export const hasEnded = (view) => view.finished_reason !== null || view.failure !== null;

export const stepsOver = (view) => view.steps.filter((step) => OVER.has(step.status)).length;

function planned(view, { plan }) {
  const before = new Map(view.steps.map((step) => [step.number, step]));
  const steps = plan.steps.map((step) => seen(before.get(step.stepNumber), step, null));
  return { ...view, plan: { id: plan.id, revision: plan.revision }, steps };
}

function moved(view, { step }, at_ms) {
  const known = new Map(view.steps.map((held) => [held.number, held]));
  known.set(step.stepNumber, seen(known.get(step.stepNumber), step, at_ms));
  return { ...view, steps: [...known.values()] };
}

function seen(before, step, at_ms) {
  const status = step.status ?? "pending";
  return {
    number: step.stepNumber,
    description: step.description,
    needs_executor: step.executorRequired,
    tools: step.tools,
    depends_on: step.dependsOn,
    status,
    result: step.result ?? null,
    error: step.error ?? null,
    began_ms: at_ms !== null && status === "executing" ? at_ms : (before?.began_ms ?? null),
    ended_ms: at_ms !== null && OVER.has(status) ? at_ms : (before?.ended_ms ?? null),
  };
}

function returned(view, { executorId, result }) {
  const outcome = {
    success: result.success,
    data: result.data ?? null,
    error: result.error ?? null,
    tool_calls: result.toolCallsMade,
    tokens: result.tokensUsed,
    duration_ms: result.durationMs,
  };
  const executors = view.executors.map((one) => (one.id === executorId ? { ...one, outcome } : one));
  return { ...view, executors };
}

function called(view, { tool_call: call, executorId, stepNumber }) {
  const tool = {
    id: call.id,
    name: call.function.name,
    arguments: call.function.arguments,
    step_number: stepNumber ?? plannersStep(view),
    executor_id: executorId ?? null,
    success: null,
    result: null,
    error: null,
    duration_ms: null,
  };
  return { ...view, tools: [...view.tools, tool] };
}

// The planner runs its steps one at a time, so a call of its own belongs to the one under way.
function plannersStep(view) {
  const underWay = view.steps.filter((step) => step.status === "executing" && !step.needs_executor);
  return underWay.length === 1 ? underWay[0].number : null;
}

function answered(view, { tool_result: told }) {
  const ending = {
    success: told.success,
    result: told.result ?? null,
    error: told.error ?? null,
    duration_ms: told.duration_ms,
  };
  return { ...view, tools: view.tools.map((tool) => (tool.id === told.tool_call_id ? { ...tool, ...ending } : tool)) };
}
