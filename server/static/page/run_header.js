// The run in one line: Working · complex request · 2 of 4 steps · 12 s.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { hasEnded, stepsOver } from "./reducer.js";
import { timesOf } from "./times.js";
import { ENDING_WORDS, STRATEGY_WORDS, counted, duration, money, number } from "./wording.js";

const TICK_MS = 500;

/** Return {kind, words} of where a run stands; the kind is one of the page's colours. */
export function standing(run) {
  const view = run.view.value;
  const link = run.link.value;
  const stored = run.trace.value?.run;
  if (view.failure) return { kind: "bad", words: "Failed" };
  if (view.finished_reason) return { kind: view.finished_reason === "stop" ? "good" : "calm", words: ENDING_WORDS[view.finished_reason] };
  if (run.refusal.value) return refused(run.refusal.value);
  if (link.state === "lost") return { kind: "warn", words: `Connection lost, reconnecting (${link.attempt})…` };
  if (view.waiting) return { kind: "warn", words: "Waiting for your approval" };
  if (view.last_seq > 1) return { kind: "live", words: "Working" };
  if (view.last_seq === 0 && stored?.finished_at) return { kind: "calm", words: stored.status === "done" ? "Done" : "Ended" };
  if (view.last_seq === 0 && run.id.value !== null) return { kind: "calm", words: "Loading…" };
  if (view.queue_place) return { kind: "calm", words: `Waiting for ${counted(view.queue_place, "earlier message")}…` };
  return { kind: "live", words: view.last_seq === 1 ? "Queued" : "Sending" };
}

function refused(refusal) {
  if (refusal.code === "events_expired") return { kind: "calm", words: "Done, details removed" };
  if (refusal.code === "unauthorized") return { kind: "warn", words: "Signed out" };
  return { kind: "bad", words: "Cannot be read" };
}

/** Say what a run is at within the first second: the step, the tool, or that it thinks. */
export function activity(run) {
  const { steps, tools, waiting, answer, last_seq } = run.view.value;
  if (waiting) return "Waiting for you";
  const under = steps.filter((step) => step.status === "executing");
  if (under.length > 1) return `Working on ${under.length} steps: ${under[0].description}…`;
  if (under.length === 1) return `Step ${under[0].number}: ${under[0].description}`;
  const running = tools.findLast((tool) => tool.success === null);
  if (running) return `Using ${running.name.replaceAll("_", " ")}`;
  if (answer) return "Writing the answer";
  if (steps.length && steps.every((step) => step.status !== "pending")) return "Putting the findings together";
  return last_seq > 1 ? "Thinking" : "Working…";
}

export function RunHeader({ run }) {
  const ended = run && hasEnded(run.view.value);
  useTick(run !== null && !ended && run.link.value.state !== "rest");
  if (run === null) return html`<header class="run-header calm"><span class="state">Ready</span></header>`;
  const { kind, words } = standing(run);
  return html`<header class=${`run-header ${kind}`}>
    <span class="state">${kind === "live" && html`<${Icon} name="dots" kind="turning" />`}${words}</span>
    ${factsOf(run).map((fact) => html`<span class="fact">${fact}</span>`)}
  </header>`;
}

/** Return what else there is to say of a run in a few words each. */
export function factsOf(run) {
  const view = run.view.value;
  const times = timesOf(run);
  const facts = [];
  if (view.analysis && !hasEnded(view) && !view.waiting) facts.push(STRATEGY_WORDS[view.analysis.strategy]);
  if (view.steps.length) facts.push(`${stepsOver(view)} of ${counted(view.steps.length, "step")}`);
  if (view.usage) facts.push(`${number(view.usage.total_tokens)} tokens`);
  const cost = money(run.trace.value?.run.cost);
  if (cost && hasEnded(view)) facts.push(cost);
  const lasted = tookOf(run, times);
  if (lasted !== null) facts.push(duration(lasted));
  return facts;
}

function tookOf(run, times) {
  if (times.ended !== null) return times.ended - times.began;
  return run.link.value.state === "rest" ? null : Math.max(0, Date.now() - times.began);
}

function useTick(goesOn) {
  const [, setTick] = useState(0);
  useEffect(() => {
    if (!goesOn) return undefined;
    const timer = setInterval(() => setTick((tick) => tick + 1), TICK_MS);
    return () => clearInterval(timer);
  }, [goesOn]);
}
