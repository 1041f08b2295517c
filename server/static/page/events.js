// The twelve events and their shapes. What does not fit is no event that is known here.

const text = (value) => typeof value === "string";
const number = Number.isInteger;
const flag = (value) => typeof value === "boolean";
const anything = () => true;
const id = (value) => text(value) && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
const oneOf = (...values) => (value) => values.includes(value);
const list = (of) => (value) => Array.isArray(value) && value.every(of);
const optional = (of) => (value) => value === undefined || value === null || of(value);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const record = (fields) => (value) =>
  isObject(value) && Object.entries(fields).every(([name, fits]) => fits(value[name]));

const strategy = oneOf("simple", "tool_use", "complex");
const step = record({
  stepNumber: number,
  type: text,
  description: text,
  executorRequired: flag,
  tools: list(text),
  dependsOn: list(number),
  status: optional(oneOf("pending", "executing", "completed", "failed", "skipped")),
  result: anything,
  error: optional(text),
});
const usage = record({ prompt_tokens: number, completion_tokens: number, total_tokens: number });
const awaited = record({
  id,
  tool: text,
  target: text,
  arguments: isObject,
  changes: list(record({ field: text })),
  unknown: optional(flag),
});

const SHAPES = {
  session: record({
    session: record({
      id,
      title: text,
      context_type: text,
      entity_id: optional(id),
      approvals: text,
      status: text,
      message_count: number,
      last_message_at: text,
      created_at: text,
      updated_at: text,
    }),
    run: record({ id, queue_place: optional(number) }),
  }),
  analysis: record({
    analysis: record({
      strategy,
      reasoning: text,
      estimatedOperations: number,
      requiresTools: flag,
      requiresExecutors: flag,
    }),
  }),
  plan_created: record({
    plan: record({
      id,
      sessionId: id,
      userMessage: text,
      strategy,
      steps: list(step),
      status: oneOf("pending", "executing", "completed", "failed"),
      revision: number,
      createdAt: text,
    }),
  }),
  step_start: record({ step }),
  step_complete: record({ step }),
  executor_spawned: record({
    executorId: id,
    stepNumber: number,
    task: record({ id, description: text, goal: text, constraints: list(text), contextData: optional(isObject) }),
  }),
  executor_result: record({
    executorId: id,
    stepNumber: number,
    result: record({
      executorId: id,
      success: flag,
      data: optional(isObject),
      error: optional(text),
      toolCallsMade: number,
      tokensUsed: number,
      durationMs: number,
    }),
  }),
  text: record({ content: text }),
  tool_call: record({
    tool_call: record({ id, type: optional(oneOf("function")), function: record({ name: text, arguments: text }) }),
    executorId: optional(id),
    stepNumber: optional(number),
  }),
  tool_result: record({
    tool_result: record({
      tool_call_id: id,
      success: flag,
      result: optional(isObject),
      error: optional(text),
      duration_ms: number,
    }),
    executorId: optional(id),
    stepNumber: optional(number),
  }),
  done: record({
    usage,
    finished_reason: oneOf("stop", "cancelled", "approval_required", "budget_exhausted"),
    approval: optional(record({ id, digest: text, expires_at: text, calls: list(awaited) })),
  }),
  error: record({ error: text, code: text, retryable: flag }),
};

/** Return the event that a line of JSON holds, or null when it is none that is known here. */
export function readEvent(payload) {
  let event;
  try {
    event = JSON.parse(payload);
  } catch {
    return null;
  }
  const fits = isObject(event) && Object.hasOwn(SHAPES, event.type) ? SHAPES[event.type] : null;
  return fits !== null && fits(event) ? event : null;
}
