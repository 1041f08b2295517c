// When the parts of a run began and ended, as ms since 1970: from the trace once there is one,
// which has the server's own clock, else from when this page saw them.

const moment = (text) => (text ? Date.parse(text) : null);
const lasted = (began, ms) => (began === null || ms === null ? null : began + ms);

/** Return {began, ended, steps, executors, tools}: the last three map an id or number to {began, ended}. */
export function timesOf(run) {
  const trace = run.trace.value;
  const whole = trace !== null && trace.run.finished_at !== null;
  return whole ? traced(trace) : witnessed(run, trace);
}

function traced({ run, executions, tool_calls }) {
  const executors = new Map();
  const steps = new Map();
  for (const done of executions) {
    const span = { began: moment(done.started_at ?? done.created_at), ended: moment(done.completed_at) };
    if (span.ended === null) span.ended = lasted(span.began, done.duration_ms);
    executors.set(done.executor_agent_id, span);
    steps.set(done.step_number, joined(steps.get(done.step_number), span));
  }
  const tools = new Map(tool_calls.map((call) => [call.id, spanOf(call)]));
  for (const call of tool_calls) {
    if (call.step_number !== null && !executions.some((done) => done.step_number === call.step_number)) {
      steps.set(call.step_number, joined(steps.get(call.step_number), tools.get(call.id)));
    }
  }
  return { began: moment(run.created_at), ended: moment(run.finished_at), steps, executors, tools };
}

export function spanOf(call) {
  const began = moment(call.created_at);
  return { began, ended: lasted(began, call.duration_ms) };
}

function joined(held, span) {
  if (held === undefined) return span;
  const ends = [held.ended, span.ended].filter((end) => end !== null);
  return { began: Math.min(held.began, span.began), ended: ends.length ? Math.max(...ends) : null };
}

function witnessed(run, trace) {
  const known = trace === null ? null : traced(trace);
  const view = run.view.value;
  const { times } = run.seen.value;
  const seen = (id) => spanSeen(times.get(id), known?.executors.get(id) ?? known?.tools.get(id));
  return {
    began: run.began_at,
    ended: null,
    executors: new Map(view.executors.map(({ id }) => [id, seen(id)])),
    tools: new Map(view.tools.map(({ id }) => [id, seen(id)])),
    steps: new Map(view.steps.map((step) => [step.number, spanSeen(step, known?.steps.get(step.number))])),
  };
}

const spanSeen = (seen, known) => ({
  began: seen?.began_ms ?? known?.began ?? null,
  ended: seen?.ended_ms ?? known?.ended ?? null,
});

/** Return the numbers of the steps that the run's length hung on: back from the last to end, each to what it waited for. */
export function criticalPath(steps, times) {
  const ended = (step) => times.steps.get(step.number)?.ended ?? null;
  const byNumber = new Map(steps.map((step) => [step.number, step]));
  const latest = (candidates) =>
    candidates.filter((step) => step && ended(step) !== null).sort((one, other) => ended(other) - ended(one))[0];
  const path = new Set();
  for (let step = latest(steps); step && !path.has(step.number); ) {
    path.add(step.number);
    step = latest(step.depends_on.map((number) => byNumber.get(number)));
  }
  return path;
}
