// One run as this page sees it: what its events fold to, how the connection stands, and its trace.

import { signal } from "../vendor/signals.mjs";
import { Refusal, get, post, send, signedIn } from "./api.js";
import { follow, openLog } from "./following.js";
import { EMPTY, hasEnded, reduce } from "./reducer.js";
import { NOTHING_SEEN, witness } from "./witness.js";

const LINK_AT_REST = Object.freeze({ state: "rest", attempt: 0 });
const watchedRuns = new Map();
const news = new BroadcastChannel("planwright");

news.addEventListener("message", ({ data }) => {
  const run = watchedRuns.get(data.run_id);
  if (run?.view.value.waiting) run.catchUp();
});

/** Return the run of that id, the same object each time. */
export function watchedRun(run_id) {
  if (!watchedRuns.has(run_id)) watchedRuns.set(run_id, new WatchedRun(run_id));
  return watchedRuns.get(run_id);
}

export class WatchedRun {
  constructor(run_id = null) {
    this.id = signal(run_id);
    this.view = signal(EMPTY);
    this.seen = signal(NOTHING_SEEN);
    this.link = signal(LINK_AT_REST); // "rest", "live", or "lost" with the number of the try
    this.refusal = signal(null);
    this.trace = signal(null);
    this.decided = signal(null);
    this.began_at = Date.now();
    this.replayed_to = 0;
    this.abort = null;
  }

  /** Send the message that begins this run, and follow it. */
  begin(path, body, key) {
    const open = () => send("POST", path, { body, headers: { "Idempotency-Key": key }, signal: this.abort.signal });
    return this.#follow(open);
  }

  /** Read the log from where this page stands, and follow it to where it rests. */
  async catchUp() {
    if (this.abort !== null) return;
    this.abort = new AbortController();
    try {
      if (this.view.value.last_seq === 0) await this.#learnHowFar();
    } catch (error) {
      this.refusal.value = error;
      this.abort = null;
      return;
    }
    this.abort = null;
    await this.#follow(() => openLog({ run_id: this.id.value, after: this.view.value.last_seq }, this.abort.signal));
  }

  /** Say yes or no to the calls that the run waits with; the answer is the log behind the pause. */
  async decide(decision, calls = {}, note = null) {
    const { digest } = this.view.value.waiting;
    const body = { digest, decision, calls, ...(note ? { note } : {}) };
    const path = `/api/agent/runs/${this.id.value}/decision`;
    const response = await send("POST", path, { body });
    this.decided.value = { decision, at: new Date() };
    news.postMessage({ run_id: this.id.value });
    this.abort?.abort();
    this.abort = null;
    await this.#follow(() => response);
  }

  stop() {
    return post(`/api/agent/runs/${this.id.value}/cancel`, undefined);
  }

  /** Stop following; the run goes on. */
  leave() {
    this.abort?.abort();
    this.abort = null;
    this.link.value = LINK_AT_REST;
  }

  async loadTrace() {
    this.trace.value = await get(`/api/agent/runs/${this.id.value}`);
  }

  // What is in the log already is told in a burst: those events say nothing about when they happened.
  async #learnHowFar() {
    await this.loadTrace();
    const { run } = this.trace.value;
    this.replayed_to = run.last_seq;
    this.began_at = Date.parse(run.created_at);
  }

  async #follow(open) {
    const abort = new AbortController();
    this.abort = abort;
    this.refusal.value = null;
    const view = this.view.value;
    const stands = {
      run_id: this.id.value,
      after: view.last_seq,
      rests: hasEnded(view) || view.waiting !== null,
      abort: abort.signal,
    };
    try {
      await follow(open, { event: (arrival) => this.#take(arrival), state: (...link) => this.#linked(...link) }, stands);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refusal.value = error;
    } finally {
      if (this.abort === abort) {
        this.abort = null;
        this.link.value = LINK_AT_REST;
      }
    }
    if (hasEnded(this.view.value) && signedIn.value) await this.loadTrace().catch(() => {});
  }

  #take({ seq, payload, at_ms }) {
    const arrival = { seq, payload, at_ms: seq <= this.replayed_to ? null : Math.round(performance.timeOrigin + at_ms) };
    this.seen.value = witness(this.seen.value, arrival);
    this.view.value = reduce(this.view.value, arrival);
    if (this.id.value === null && this.view.value.run_id !== null) {
      this.id.value = this.view.value.run_id;
      watchedRuns.set(this.id.value, this);
    }
  }

  #linked(state, attempt) {
    this.link.value = { state, attempt };
  }
}
