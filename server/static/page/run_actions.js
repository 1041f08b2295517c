// What can be done with a run: play it again from its record, let it go another way, undo its changes, take it away.

import { useState } from "../vendor/preact-hooks.mjs";
import { post } from "./api.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { wordsOf } from "./notice.js";
import { go } from "./router.js";
import { counted } from "./wording.js";

export function RunActions({ trace, writes }) {
  const { run } = trace;
  const [forking, setForking] = useState(false);
  const [said, setSaid] = useState(null);
  const path = `/api/agent/runs/${run.id}`;
  const doing = (act) => async () => {
    setSaid(null);
    try {
      await act();
    } catch (error) {
      setSaid({ bad: true, text: wordsOf(error.code, error.message) });
    }
  };
  const replay = doing(async () => go(`/runs/${(await post(`${path}/replay`)).run.id}`));
  const undo = doing(async () => setSaid(undoWords(await post(`${path}/undo`))));
  return html`
    ${run.finished_at && html`<button class="ghost small" onClick=${replay}><${Icon} name="retry" /> Replay</button>`}
    ${run.finished_at && html`<button class="ghost small" aria-expanded=${forking} onClick=${() => setForking(!forking)}><${Icon} name="fork" /> Fork</button>`}
    ${writes > 0 && run.finished_at && html`<button class="ghost small" onClick=${undo}>Undo ${counted(writes, "change")}</button>`}
    <a class="ghost small" href=${`${path}/export?as=html`} download><${Icon} name="out" /> HTML</a>
    <a class="ghost small" href=${`${path}/export?as=json`} download>JSON</a>
    ${said && html`<p class=${`small said ${said.bad ? "reason" : ""}`} role="status">${said.text}</p>`}
    ${forking && html`<${Fork} trace=${trace} onFork=${doing} />`}`;
}

function undoWords({ undone, left }) {
  const words = [`${counted(undone.length, "change")} undone`];
  if (left.length) words.push(`${left.length} left: ${left.map((call) => `${call.message} ${call.why}`).join(" ")}`);
  return { bad: left.length > 0, text: `${words.join("; ")}.` };
}

function Fork({ trace, onFork }) {
  const { run, plan } = trace;
  const [step, setStep] = useState("");
  const [message, setMessage] = useState(run.request);
  const [model, setModel] = useState("");
  const [words, setWords] = useState("");
  const planned = (number) => plan.steps.find((one) => one.stepNumber === Number(number))?.description ?? "";
  const [live, setLive] = useState(false);
  const fork = async () => {
    const body = { writes: live ? "live" : "dry" };
    if (step) {
      body.from_step = Number(step);
      if (words.trim() && words !== planned(step)) body.step_words = words;
    }
    else body.message = message;
    if (model.trim()) body.model = model.trim();
    go(`/runs/${(await post(`/api/agent/runs/${run.id}/fork`, body)).run.id}`);
  };
  return html`<form class="card fork" onSubmit=${(event) => { event.preventDefault(); onFork(fork)(); }}>
    <h2>Let it go another way</h2>
    ${plan && html`<label class="field"><span>From</span><select value=${step} onChange=${(event) => { setStep(event.target.value); setWords(planned(event.target.value)); }}>
      <option value="">the beginning, with another message</option>
      ${plan.steps.map((one) => html`<option value=${one.stepNumber}>step ${one.stepNumber}: ${one.description}</option>`)}
    </select></label>`}
    ${step && html`<label class="field"><span>What the step is to do</span><textarea rows="2" dir="auto" value=${words} onInput=${(event) => setWords(event.target.value)}></textarea></label>`}
    ${!step && html`<label class="field"><span>Message</span><textarea rows="2" dir="auto" value=${message} onInput=${(event) => setMessage(event.target.value)}></textarea></label>`}
    <label class="field"><span>Model <span class="quiet">(the usual ones unless one is named)</span></span><input value=${model} onInput=${(event) => setModel(event.target.value)} /></label>
    <label class="check"><input type="checkbox" checked=${live} onChange=${(event) => setLive(event.target.checked)} /> Really change things; else writes are only tried out</label>
    <button class="primary">Fork</button>
  </form>`;
}
