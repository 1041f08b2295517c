// Written by `make docs` from nodes/vocabulary/events.py. Do not edit.
// Fields with `?` are left out where there is nothing.

/** The decision is known; precedes the first text. */
export interface Analysed {
  type: "analysis";
  analysis: AnalysisBody;
}

/** How the request is handled, and why. */
export interface AnalysisBody {
  strategy: Strategy;
  reasoning: string;
  estimatedOperations: number;
  requiresTools: boolean;
  requiresExecutors: boolean;
}

/** What a run waits for. A decision names the digest, so that it is on exactly these calls. */
export interface ApprovalBody {
  id: string;
  digest: string;
  expires_at: string;
  calls: AwaitedCall[];
}

/**
 * A call that a person decides on.
 * `target` says in words what it is about. `unknown`: it has begun before, and
 * whether it took effect is not known; to approve it is to run it again.
 */
export interface AwaitedCall {
  id: string;
  tool: string;
  target: string;
  arguments: { [name: string]: JsonValue };
  changes: ChangeBody[];
  unknown: boolean;
}

/** One field, from what it is to what it will be; left out where there is nothing. */
export interface ChangeBody {
  field: string;
  from?: JsonValue;
  to?: JsonValue;
}

/** The run ended with an answer: nothing follows. With an `approval` it only waits, and goes on behind this. */
export interface Done {
  type: "done";
  usage: UsageBody;
  finished_reason: FinishedReason;
  approval?: ApprovalBody;
}

/** What an executor brought back, and what it cost. */
export interface ExecutorOutcome {
  executorId: string;
  success: boolean;
  data?: { [name: string]: JsonValue };
  error?: string;
  toolCallsMade: number;
  tokensUsed: number;
  durationMs: number;
}

/** An executor ended. */
export interface ExecutorReturned {
  type: "executor_result";
  executorId: string;
  stepNumber: number;
  result: ExecutorOutcome;
}

/** An executor began its step. */
export interface ExecutorSpawned {
  type: "executor_spawned";
  executorId: string;
  task: ExecutorTask;
  stepNumber: number;
}

/** What an executor is told: its task, never the conversation. */
export interface ExecutorTask {
  id: string;
  description: string;
  goal: string;
  constraints: string[];
  contextData?: { [name: string]: JsonValue };
}

/** The run ended without an answer. Terminal: nothing follows. */
export interface Failed {
  type: "error";
  error: string;
  code: string;
  retryable: boolean;
}

/** Why a run ended with an answer. */
export type FinishedReason = "stop" | "cancelled" | "approval_required" | "budget_exhausted";

/** The function and the raw argument text of a tool call. */
export interface FunctionCall {
  name: string;
  arguments: string;
}

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** A plan as it is stored, one revision of it. */
export interface Plan {
  id: string;
  sessionId: string;
  userMessage: string;
  strategy: Strategy;
  steps: Step[];
  status: PlanStatus;
  revision: number;
  createdAt: string;
}

/** A plan is stored; again with a higher revision after a replan. */
export interface PlanCreated {
  type: "plan_created";
  plan: Plan;
}

/** Where a plan stands; never `completed` when a step failed. */
export type PlanStatus = "pending" | "executing" | "completed" | "failed";

/** The run that the stream tells of, and how many runs of its session came before it when it was accepted. */
export interface RunRef {
  id: string;
  queue_place: number;
}

/** The session's row. */
export interface SessionBody {
  id: string;
  title: string;
  context_type: string;
  entity_id?: string;
  approvals: string;
  status: string;
  message_count: number;
  last_message_at: string;
  created_at: string;
  updated_at: string;
}

/** First in every stream. */
export interface SessionOpened {
  type: "session";
  session: SessionBody;
  run: RunRef;
}

/** One step of a plan, with what came of it. */
export interface Step {
  stepNumber: number;
  type: string;
  description: string;
  executorRequired: boolean;
  tools: string[];
  dependsOn: number[];
  status: StepStatus;
  result?: JsonValue;
  error?: string;
}

/** A step ended: completed, failed or skipped. */
export interface StepCompleted {
  type: "step_complete";
  step: Step;
}

/** A step began. */
export interface StepStarted {
  type: "step_start";
  step: Step;
}

/** Where a step of a plan stands. */
export type StepStatus = "pending" | "executing" | "completed" | "failed" | "skipped";

/** How a request is handled. */
export type Strategy = "simple" | "tool_use" | "complex";

/** A piece of the planner's answer. */
export interface TextSaid {
  type: "text";
  content: string;
}

/** A tool call; its id is the ledger's. */
export interface ToolCallBody {
  id: string;
  type: "function";
  function: FunctionCall;
}

/** A tool call began; with `executorId` and `stepNumber` when an executor made it. */
export interface ToolCalled {
  type: "tool_call";
  tool_call: ToolCallBody;
  executorId?: string;
  stepNumber?: number;
}

/** What a tool call came to. */
export interface ToolResultBody {
  tool_call_id: string;
  success: boolean;
  result?: { [name: string]: JsonValue };
  error?: string;
  duration_ms: number;
}

/** A tool call ended. */
export interface ToolReturned {
  type: "tool_result";
  tool_result: ToolResultBody;
  executorId?: string;
  stepNumber?: number;
}

/** The tokens of a run, summed over every model call in it. */
export interface UsageBody {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export type Event = SessionOpened | Analysed | PlanCreated | StepStarted | StepCompleted | ExecutorSpawned | ExecutorReturned | TextSaid | ToolCalled | ToolReturned | Done | Failed;
