// One run's event log, followed until it rests, however often the connection is lost.
//
// The first request may be the message itself. It is made with an Idempotency-Key, so that
// making it again joins the run that it began; once an event was read, only the log is asked.

import { Refusal, send } from "./api.js";
import { Lost, frames } from "./sse.js";

export const WAITS_MS = [500, 1000, 2000, 4000, 8000, 15_000];
const JITTER = 0.3;
const TERMINAL = new Set(["done", "error"]);
const PASSING = new Set([0, 500, 502, 503, 504]);

/**
 * Follow a log. `watch` is told `event(arrival)` and `state(name, attempt)`: "live", or "lost" while it tries again.
 * `after` and `rests` say where a log that was read before stands: behind which event, and whether that was terminal.
 *
 * Returns when a `done` or `error` was read or the log had nothing more; raises a Refusal
 * that trying again would not change.
 */
export async function follow(first, watch, { run_id = null, after = 0, rests = false, abort } = {}) {
  const place = { run_id, after, attempt: 0, rests };
  let opening = first;
  for (;;) {
    try {
      await read(await opening(), place, watch);
      if (place.rests) return;
    } catch (error) {
      if (abort?.aborted) return;
      if (!isPassing(error)) throw error;
    }
    watch.state("lost", ++place.attempt);
    await pause(waitOf(place), abort);
    if (abort?.aborted) return;
    if (place.run_id !== null) opening = () => openLog(place, abort);
  }
}

/** Open the log of a run behind its event number `after`. */
export function openLog({ run_id, after }, abort) {
  return send("GET", `/api/agent/runs/${run_id}/events?after=${after}`, { signal: abort });
}

// A stream is over when the last event of its log was terminal: a `done` that waits for a
// person is followed by more events once there is a decision. Any other end is a cut.
async function read(response, place, watch) {
  watch.state("live", 0);
  for await (const frame of frames(response.body)) {
    if (frame.retry !== undefined) {
      place.retry_ms = frame.retry;
      continue;
    }
    const event = JSON.parse(frame.data);
    if (event.type === "session") place.run_id = event.run.id;
    Object.assign(place, { after: frame.id, attempt: 0, rests: TERMINAL.has(event.type) });
    watch.event({ seq: frame.id, payload: frame.data, at_ms: performance.now() });
  }
}

function waitOf(place) {
  const told_ms = place.retry_ms;
  place.retry_ms = undefined;
  const usual_ms = WAITS_MS[Math.min(place.attempt, WAITS_MS.length) - 1];
  return (told_ms ?? usual_ms) * (1 - JITTER / 2 + JITTER * Math.random());
}

const isPassing = (error) =>
  error instanceof Lost || error instanceof TypeError || (error instanceof Refusal && PASSING.has(error.status));

/** Wait, but not while the browser knows that there is no network, and no longer than until `abort`. */
function pause(ms, abort) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const now = () => {
      clearTimeout(timer);
      resolve();
    };
    window.addEventListener("online", now, { once: true });
    abort?.addEventListener("abort", now, { once: true });
  });
}
