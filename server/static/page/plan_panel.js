// The plan: as a graph where there is room, as a list for narrow screens and screen readers, and how it was revised.

import { useState } from "../vendor/preact-hooks.mjs";
import { Empty } from "./empty.js";
import { html } from "./html.js";
import { Icon, Mark } from "./icons.js";
import { keep, kept } from "./kept.js";
import { PlanGraph } from "./plan_graph.js";
import { hasEnded } from "./reducer.js";
import { skippedBecause, statusOf, summaryOf } from "./step_words.js";
import { criticalPath, timesOf } from "./times.js";
import { ToolRow, isAwaited } from "./tools.js";
import { STEP_WORDS, counted, duration } from "./wording.js";
import { difference } from "./witness.js";

export function PlanPanel({ run }) {
  const [shape, setShape] = useState(kept("plan-shape", "graph"));
  const [picked, setPicked] = useState(null);
  const view = run.view.value;
  const times = timesOf(run);
  const ended = hasEnded(view);
  if (!view.steps.length) return html`<${NoPlan} view=${view} ended=${ended} />`;
  const choose = (next) => {
    keep("plan-shape", next);
    setShape(next);
  };
  const shown = view.steps.find((step) => step.number === picked);
  return html`<div class="stack">
    <div class="bar">
      <div class="segments" role="group" aria-label="How the plan is shown">
        <button aria-pressed=${shape === "graph"} onClick=${() => choose("graph")}>Graph</button>
        <button aria-pressed=${shape === "list"} onClick=${() => choose("list")}>List</button>
      </div>
      <span class="grow"></span>
      ${view.plan?.revision > 1 && html`<span class="badge">Revision ${view.plan.revision}</span>`}
    </div>
    <div class=${`shape-${shape}`}>
      <${PlanGraph} view=${view} times=${times} ended=${ended} picked=${picked} onPick=${setPicked} />
      <${PlanList} view=${view} times=${times} ended=${ended} picked=${picked} onPick=${setPicked} />
    </div>
    ${shown && html`<${StepDetail} step=${shown} run=${run} ended=${ended} onClose=${() => setPicked(null)} />`}
    <${Revisions} revisions=${run.seen.value.revisions} />
  </div>`;
}

function NoPlan({ view, ended }) {
  const strategy = view.analysis?.strategy;
  const words = {
    simple: "No plan was needed: the answer came directly.",
    tool_use: "No plan was needed: the planner used tools itself.",
  }[strategy];
  const waiting = view.last_seq > 0 && !ended ? "Whether a plan is needed is being decided." : null;
  return html`<${Empty} icon="plan" title="No plan">
    ${words ?? waiting ?? "A larger request gets a plan: steps that are worked on side by side. It will be drawn here."}
    ${view.analysis && html`<span class="quiet">${view.analysis.reasoning}</span>`}
  <//>`;
}

function PlanList({ view, times, ended, picked, onPick }) {
  const critical = ended ? criticalPath(view.steps, times) : new Set();
  return html`<ol class="plain plan-list" aria-label="Steps of the plan">
    ${view.steps.map((step) => {
      const status = statusOf(step, ended);
      const span = times.steps.get(step.number);
      const took = span?.began && span?.ended ? ` · ${duration(span.ended - span.began)}` : "";
      return html`<li key=${step.number}>
        <button class=${`step ${status}`} aria-expanded=${picked === step.number} data-row onClick=${() => onPick(picked === step.number ? null : step.number)}>
          <${Mark} status=${status} />
          <span class="grow">
            <span dir="auto"><b>${step.number}</b> ${step.description}</span>
            <span class="quiet small block">
              ${STEP_WORDS[status]}${took} · ${step.needs_executor ? "executor" : "planner"}
              ${step.depends_on.length > 0 && ` · after ${step.depends_on.join(", ")}`}${critical.has(step.number) && " · on the critical path"}
            </span>
            <${Reason} step=${step} status=${status} steps=${view.steps} />
          </span>
        </button>
      </li>`;
    })}
  </ol>`;
}

function Reason({ step, status, steps }) {
  if (status === "skipped") return html`<span class="small reason block" dir="auto">${skippedBecause(step, steps)}</span>`;
  return step.error ? html`<span class="small reason block" dir="auto">${step.error}</span>` : null;
}

function StepDetail({ step, run, ended, onClose }) {
  const view = run.view.value;
  const calls = view.tools.filter((tool) => tool.step_number === step.number);
  const summary = summaryOf(step);
  return html`<section class="card detail" aria-label=${`Step ${step.number}`}>
    <div class="bar">
      <b>Step ${step.number}</b>
      <span class="badge">${step.needs_executor ? "executor, read-only" : "planner"}</span>
      <span class="grow"></span>
      <button class="bare" onClick=${onClose}><${Icon} name="cross" label="Close the step" /></button>
    </div>
    <p dir="auto">${step.description}</p>
    <p class="quiet small">${STEP_WORDS[statusOf(step, ended)]} · may use ${step.tools.map((name) => name.replaceAll("_", " ")).join(", ") || "no tool"}</p>
    ${summary && html`<p class="finding" dir="auto">${summary}</p>`}
    <${Reason} step=${step} status=${statusOf(step, ended)} steps=${view.steps} />
    ${calls.length > 0 && html`<ul class="plain tool-list">${calls.map((tool) => html`<${ToolRow} key=${tool.id} tool=${tool} ended=${ended} waits=${isAwaited(tool, view)} />`)}</ul>`}
  </section>`;
}

function Revisions({ revisions }) {
  if (revisions.length < 2) return null;
  return html`<details class="card">
    <summary>The plan was revised ${revisions.length === 2 ? "once" : `${revisions.length - 1} times`}</summary>
    <ul class="small">
      ${revisions.slice(1).map((plan, place) => html`<li key=${plan.revision}>Revision ${plan.revision}: ${changed(revisions[place], plan)}</li>`)}
    </ul>
  </details>`;
}

function changed(before, after) {
  const { added, dropped, changed: other } = difference(before, after);
  const said = [
    added.length && `${counted(added.length, "step")} added (${added.join(", ")})`,
    dropped.length && `${counted(dropped.length, "step")} dropped (${dropped.join(", ")})`,
    other.length && `${counted(other.length, "step")} changed (${other.join(", ")})`,
  ].filter(Boolean);
  return said.join(", ") || "the same steps, begun anew";
}
