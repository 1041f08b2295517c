// A client of a Planwright server: send a message, follow its run, decide, stop.
//
//   const planwright = new Planwright("http://127.0.0.1:8000", token);
//   for await (const { seq, event } of planwright.stream({ message: "What is overdue?" })) { … }
//
// One file over `fetch`, for browsers and Node, without dependencies; the types are in events.ts.
// A stream that breaks is taken up again behind its last event. A message is sent under an
// Idempotency-Key that is made before the first try, so that it is never accepted twice.

import type { Event, JsonValue } from "./events.ts";

const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000]; // before each try to rejoin; then the caller is told
const JITTER = [0.75, 1.25] as const; // times each pause, so that those whom one server lost do not come back at once
const SILENCE_MS = 35_000; // heartbeats come every 15 s: two missed ones and the connection is lost

/** A message, where in the workspace and in which conversation it is asked, and whether its writes wait. */
export interface Question {
  message: string;
  session_id?: string;
  context_type?: string;
  entity_id?: string;
  approvals?: "auto" | "ask";
  route?: "auto" | "plan" | "answer";
}

/** What a person said of the calls that have this digest. `calls` has what differs, by the id of a call. */
export interface Decision {
  digest: string;
  decision: "approve" | "deny";
  calls?: { [id: string]: { drop: true } | { arguments: { [name: string]: JsonValue } } };
  note?: string;
}

/** One event of a run and its number. Pass over types that you do not know. */
export interface Received {
  seq: number;
  event: Event;
}

export interface Options {
  /** An Idempotency-Key of the caller's, under which a later call joins the same run. */
  key?: string;
  /** Stops the reading, not the run. */
  signal?: AbortSignal;
}

/** The server said no: `code` is one of docs/http.md, empty when the answer names none; the message is its own. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | null;

  constructor(status: number, code: string, text: string, retryAfterSeconds: number | null) {
    super(text);
    this.name = "Refused";
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** A stream broke and could not be taken up again. The run goes on: resume it with these. */
export class ConnectionLost extends Error {
  readonly runId: string | null;
  readonly after: number;

  constructor(runId: string | null, after: number) {
    super("The connection to the server is lost.");
    this.name = "ConnectionLost";
    this.runId = runId;
    this.after = after;
  }
}

/** Nobody answers at the address. */
export class Unreachable extends Error {
  constructor(options: ErrorOptions) {
    super("Nobody answers at the address.", options);
    this.name = "Unreachable";
  }
}

/** Somebody answers, but not as Planwright does. */
export class NotUnderstood extends Error {
  constructor(status: number) {
    super(`What answers is not Planwright: status ${status}.`);
    this.name = "NotUnderstood";
  }
}

/** Where a stream stands: what it began with, and what to ask for in order to go on from here. */
interface Place {
  first: { path: string; body: object; key?: string } | null;
  runId: string | null;
  after: number;
  began: boolean;
  paused: boolean;
  over: boolean;
  hintMs: number | null;
  signal?: AbortSignal;
}

export class Planwright {
  /** How long to wait before each try to get a stream back. */
  pausesMs = PAUSES_MS;
  /** Is told the number of each such try. */
  onLost: (tryNumber: number) => void = () => {};

  readonly #address: string;
  readonly #headers: Record<string, string>;

  /** Without a token the requests are signed in by the cookie of a page of the same origin. */
  constructor(address: string, token?: string) {
    this.#address = address.replace(/\/$/, "");
    this.#headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  }

  /** Send a message and yield its run's events until it ends or waits for a person. */
  stream(question: Question, options: Options = {}): AsyncGenerator<Received, void, void> {
    const key = options.key ?? newKey();
    return this.#followed(placed(options, { first: { path: "/api/agent/stream", body: question, key } }));
  }

  /** Yield a run's events behind number `after`, those that are there and those to come. */
  resume(runId: string, after = 0, options: Options = {}): AsyncGenerator<Received, void, void> {
    return this.#followed(placed(options, { runId, after }));
  }

  /** Say what becomes of the calls that a run waits for, and yield its events from there. */
  decide(runId: string, decision: Decision, options: Options = {}): AsyncGenerator<Received, void, void> {
    const first = { path: `/api/agent/runs/${runId}/decision`, body: decision };
    return this.#followed(placed(options, { runId, first }));
  }

  /** Stop a run; false when it had ended already. */
  async cancel(runId: string): Promise<boolean> {
    const response = await this.#sent(`/api/agent/runs/${runId}/cancel`, { method: "POST" });
    if (response.ok) return true;
    const error = await errorOf(response);
    if (error instanceof Refused && error.code === "run_finished") return false;
    throw error;
  }

  /** Read what is stored: any GET of docs/http.md, such as `/api/agent/runs?limit=10`. */
  async read(path: string): Promise<JsonValue> {
    const response = await this.#sent(path, {});
    if (!response.ok) throw await errorOf(response);
    return (await response.json()) as JsonValue;
  }

  async #sent(path: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetched(path, init);
    } catch (error) {
      throw new Unreachable({ cause: error });
    }
  }

  #fetched(path: string, init: RequestInit): Promise<Response> {
    const headers = { ...this.#headers, ...init.headers };
    return fetch(this.#address + path, { ...init, headers, redirect: "manual", cache: "no-store" });
  }

  /** Yield a stream's events over as many connections as it takes. */
  async *#followed(place: Place): AsyncGenerator<Received, void, void> {
    let losses = 0;
    while (!place.over) {
      try {
        for await (const received of this.#once(place)) {
          losses = 0;
          yield received;
        }
        const atRest = place.paused || (place.after > 0 && !place.began);
        place.over ||= atRest && place.hintMs === null;
      } catch (error) {
        if (place.signal?.aborted) throw error;
        if (error instanceof NotUnderstood) throw error;
        if (error instanceof Unreachable && !place.began && losses === 0) throw error;
        if (error instanceof Refused) {
          if (![502, 503, 504].includes(error.status)) throw error;
          if (error.retryAfterSeconds !== null) place.hintMs = error.retryAfterSeconds * 1000;
        }
      }
      if (place.over) return;
      const usual = this.pausesMs[losses];
      if (usual === undefined) throw new ConnectionLost(place.runId, place.after);
      const ms = place.hintMs ?? usual * (JITTER[0] + Math.random() * (JITTER[1] - JITTER[0]));
      place.hintMs = null;
      losses += 1;
      this.onLost(losses);
      await pause(ms, place.signal);
    }
  }

  /** Yield the events that one connection brings. */
  async *#once(place: Place): AsyncGenerator<Received, void, void> {
    const silence = new Silence(place.signal);
    try {
      const response = await this.#asked(place, silence.signal);
      silence.ends();
      if (!response.ok) throw await errorOf(response);
      const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
      if (!isStream || response.body === null) throw new NotUnderstood(response.status);
      for await (const received of framesOf(response.body, silence, (ms) => (place.hintMs = ms))) {
        pass(place, received);
        yield received;
      }
    } finally {
      silence.over(); // also when the caller reads no further: the connection is closed, the run goes on
    }
  }

  async #asked(place: Place, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#fetched(...requestFor(place, signal));
    } catch (error) {
      throw new Unreachable({ cause: error });
    }
  }
}

function placed(options: Options, begun: Partial<Place>): Place {
  const place: Place = { first: null, runId: null, after: 0, began: false, paused: false, over: false, hintMs: null };
  return { ...place, ...begun, ...(options.signal && { signal: options.signal }) };
}

function requestFor({ first, runId, after, began }: Place, signal: AbortSignal): [string, RequestInit] {
  if (first !== null && (!began || runId === null)) {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (first.key !== undefined) headers["Idempotency-Key"] = first.key;
    return [first.path, { method: "POST", body: JSON.stringify(first.body), headers, signal }];
  }
  return [`/api/agent/runs/${runId}/events`, { headers: { "Last-Event-ID": String(after) }, signal }];
}

/** Move behind an event. A run that waits may go on behind it, so only the server's end makes that the end. */
function pass(place: Place, { seq, event }: Received): void {
  place.after = Math.max(place.after, seq);
  place.began = true;
  place.paused = event.type === "done" && event.approval !== undefined;
  place.over = (event.type === "done" || event.type === "error") && !place.paused;
  if (event.type === "session") place.runId = event.run.id;
}

/** Yield the events of a body, however the network cut its bytes; comments and other fields are passed over. */
async function* framesOf(
  body: ReadableStream<Uint8Array>,
  silence: Silence,
  askedBack: (ms: number) => void,
): AsyncGenerator<Received, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      silence.begins();
      const { done, value } = await reader.read();
      silence.ends();
      if (done) return;
      const frames = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = frames.pop() ?? "";
      for (const frame of frames) {
        const fields = Object.fromEntries(
          frame.split("\n").map((line) => [line.split(":", 1)[0], line.slice(line.indexOf(":") + 1).trim()]),
        );
        if (/^\d{1,5}$/.test(fields.retry ?? "")) askedBack(Number(fields.retry));
        if (fields.data && /^\d+$/.test(fields.id ?? ""))
          yield { seq: Number(fields.id), event: JSON.parse(fields.data) as Event };
      }
    }
  } finally {
    await reader.cancel().catch(() => {}); // it may be broken already
  }
}

/** Aborts a request over which no byte came for too long, or whose caller aborts. */
class Silence {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #abort = () => this.#controller.abort(this.#outer?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.#abort();
    outer?.addEventListener("abort", this.#abort);
    this.begins();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  begins(): void {
    this.#timer = setTimeout(this.#abort, SILENCE_MS);
  }

  ends(): void {
    clearTimeout(this.#timer);
  }

  over(): void {
    this.ends();
    this.#outer?.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }
}

async function errorOf(response: Response): Promise<Refused | NotUnderstood> {
  if (response.status < 400) return new NotUnderstood(response.status); // a redirect, which no token follows
  const said = (await response.json().catch(() => null)) as { error?: unknown; code?: unknown } | null;
  const code = typeof said?.code === "string" ? said.code : "";
  const text = typeof said?.error === "string" ? said.error : `The server answered ${response.status}.`;
  const wait = response.headers.get("Retry-After") ?? "";
  return new Refused(response.status, code, text, /^\d+$/.test(wait) ? Number(wait) : null);
}

/** Random, also on a page without HTTPS, where there is no `crypto.randomUUID`. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
  });
}
