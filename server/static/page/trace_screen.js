// One run, whole: its plan, what happened when, every message and call, and what can be done with it.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { openedFile } from "./open_file.js";
import { PlanGraph } from "./plan_graph.js";
import { RawEvents } from "./raw_events.js";
import { EMPTY } from "./reducer.js";
import { place } from "./router.js";
import { KINDS } from "./runs_screen.js";
import { summaryOf } from "./step_words.js";
import { criticalPath, timesOf } from "./times.js";
import { Detail, Talk } from "./trace_detail.js";
import { RunActions } from "./run_actions.js";
import { Waterfall } from "./waterfall.js";
import { watchedRun } from "./watched_run.js";
import { RUN_WORDS, STRATEGY_WORDS, counted, duration, exactly, money, number } from "./wording.js";

const LOOK_MS = 2000; // while the run works

export function TraceScreen() {
  const [run_id] = place.value.ids;
  return run_id === "file" ? html`<${FileTrace} />` : html`<${StoredTrace} key=${run_id} run_id=${run_id} />`;
}

function FileTrace() {
  const bundle = openedFile.value;
  if (bundle === null) return html`<main class="screen" id="main"><h1>No file is open</h1><a href="/runs">To the runs</a></main>`;
  return html`<${Trace} trace=${bundle.trace} fromFile />`;
}

function StoredTrace({ run_id }) {
  const run = watchedRun(run_id);
  const [trouble, setTrouble] = useState(null);
  const trace = run.trace.value;
  const read = () => run.loadTrace().then(() => setTrouble(null), setTrouble);
  useEffect(() => {
    read();
  }, [run_id]);
  const works = trace !== null && trace.run.finished_at === null;
  useEffect(() => {
    if (!works) return undefined;
    const timer = setInterval(() => document.hidden || read(), LOOK_MS);
    return () => clearInterval(timer);
  }, [works]);
  if (trace !== null) return html`<${Trace} trace=${trace} />`;
  const words = trouble === null ? "Loading…" : trouble.status === 404 || trouble.status === 422 ? "This run is not there" : "The run cannot be read just now";
  return html`<main class="screen" id="main"><h1>${words}</h1>${trouble && html`<a href="/runs">To all runs</a>`}</main>`;
}

function Trace({ trace, fromFile = false }) {
  const { run } = trace;
  const [row, setRow] = useState(null);
  const [part, setPart] = useState("waterfall");
  const view = viewOf(trace);
  const times = timesOf({ trace: { value: trace }, view: { value: view }, seen: { value: { times: new Map() } }, began_at: Date.parse(run.created_at) });
  const critical = run.finished_at ? criticalPath(view.steps, times) : new Set();
  return html`<main class="screen" id="main">
    <${Head} trace=${trace} fromFile=${fromFile} />
    ${view.steps.length > 0 && html`<section class="card" aria-label="Plan">
      <div class="bar plan-title"><h2 class="grow">Plan</h2>${trace.plan.revision > 1 && html`<span class="badge">Revision ${trace.plan.revision}</span>`}</div>
      <${PlanGraph} view=${view} times=${times} ended=${run.finished_at !== null} picked=${row?.step ?? null} onPick=${(step) => setRow(executorRow(trace, step))} />
    </section>`}
    <div><div class="segments" role="group" aria-label="Part of the trace">
      ${Object.entries(PARTS).filter(([name]) => !(fromFile && name === "events")).map(([name, words]) => html`<button key=${name} aria-pressed=${part === name} onClick=${() => setPart(name)}>${words}</button>`)}
    </div></div>
    <div class=${row ? "trace-columns" : ""}>
      <div class="stack">
        ${part === "waterfall" && html`<section class="card" aria-label="Waterfall"><${Waterfall} trace=${trace} critical=${critical} picked=${row?.key} onPick=${(next) => setRow(next.key === row?.key ? null : next)} /></section>`}
        ${part === "messages" && html`<section class="card stack" aria-label="Messages">${trace.conversations.map((talk) => html`<${Talk} key=${talk.conversation.id} talk=${talk} />`)}</section>`}
        ${part === "calls" && html`<${ModelCalls} trace=${trace} />`}
        ${part === "events" && html`<section class="card" aria-label="Events"><${RawEvents} run_id=${run.id} /></section>`}
      </div>
      ${row && html`<${Detail} row=${row} trace=${trace} onClose=${() => setRow(null)} />`}
    </div>
  </main>`;
}

const PARTS = { waterfall: "Waterfall", messages: "Messages", calls: "Model calls", events: "Raw events" };

function Head({ trace, fromFile }) {
  const { run } = trace;
  const tokens = run.prompt_tokens + run.completion_tokens;
  const writes = trace.tool_calls.filter((call) => call.access === "write" && call.state === "applied").length;
  return html`<header class="stack trace-head">
    <div class="bar">
      <a class="small" href="/runs">Runs</a>
      <span class="grow"></span>
      ${!fromFile && html`<a class="ghost small" href=${`/s/${run.session_id}`}><${Icon} name="chat" /> Conversation</a>`}
      ${!fromFile && html`<${RunActions} trace=${trace} writes=${writes} />`}
    </div>
    <h1 dir="auto">${run.request}</h1>
    <div class="bar small quiet">
      <span class=${`badge ${KINDS[run.status]}`}>${RUN_WORDS[run.status] ?? run.status}</span>
      ${fromFile && html`<span class="badge">from a file</span>`}
      ${run.replay_of && html`<span class="badge">made from <a href=${`/runs/${run.replay_of}`}>another run</a>${run.writes === "dry" ? ", writes only tried out" : ""}</span>`}
      <span>${STRATEGY_WORDS[run.strategy] ?? "undecided"}</span>
      <time datetime=${run.created_at}>${exactly(run.created_at)}</time>
    </div>
    ${run.error_code && html`<p class="reason">${run.error_code.replaceAll("_", " ")}</p>`}
    <dl class="figures">
      <div><dt>Time</dt><dd>${duration(run.duration_ms)}</dd></div>
      <div><dt>Steps</dt><dd>${run.steps_total ? `${run.steps_done} of ${run.steps_total}` : "none"}</dd></div>
      <div><dt>Model calls</dt><dd>${trace.model_calls.length}</dd></div>
      <div><dt>Tokens</dt><dd>${number(tokens)}</dd></div>
      <div><dt>Tool calls</dt><dd>${trace.tool_calls.length}</dd></div>
      <div><dt>Changed</dt><dd>${writes}</dd></div>
      <div><dt>Cost</dt><dd>${money(run.cost).replace("cost ", "")}</dd></div>
    </dl>
  </header>`;
}

function ModelCalls({ trace }) {
  const names = new Map(trace.agents.map((agent) => [agent.id, agent.name]));
  return html`<section class="card scroll-x" tabindex="0" aria-label="Model calls"><table class="table">
    <caption>${counted(trace.model_calls.length, "model call")}</caption>
    <thead><tr><th>Who</th><th>For</th><th>Model</th><th>Outcome</th><th class="num">Prompt</th><th class="num">Cached</th><th class="num">Answer</th><th class="num">Time</th><th class="num">Cost</th></tr></thead>
    <tbody>${trace.model_calls.map((call) => html`<tr key=${call.id}>
      <td>${names.get(call.agent_id) ?? ""}</td><td>${call.purpose.replaceAll("_", " ")}</td><td>${call.model}</td><td>${call.outcome ?? "open"}</td>
      <td class="num">${number(call.prompt_tokens)}${call.estimated ? " ≈" : ""}</td><td class="num">${number(call.cached_tokens)}</td><td class="num">${number(call.completion_tokens)}</td>
      <td class="num">${duration(call.duration_ms)}</td><td class="num">${money(call.cost).replace("cost ", "")}</td>
    </tr>`)}</tbody>
  </table></section>`;
}

// The plan as the graph takes it, from the tables: it is there also when the events are not any more.
function viewOf(trace) {
  const steps = (trace.plan?.steps ?? []).map((step) => ({
    number: step.stepNumber,
    description: step.description,
    needs_executor: step.executorRequired,
    tools: step.tools,
    depends_on: step.dependsOn,
    status: step.status ?? "pending",
    result: step.result ?? null,
    error: step.error ?? null,
    summary: summaryOf(step),
  }));
  return { ...EMPTY, steps };
}

function executorRow(trace, number) {
  const execution = trace.executions.findLast((done) => done.step_number === number);
  if (number === null || !execution) return null;
  const agent = trace.agents.find((one) => one.id === execution.executor_agent_id);
  return { key: agent.id, kind: "executor", step: number, name: `Step ${number}: ${agent.name}`, of: { agent, execution } };
}
