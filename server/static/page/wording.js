// Words and numbers for people: the same words as the terminal's, server/terminal/wording.py.

export const STRATEGY_WORDS = { simple: "simple request", tool_use: "tool request", complex: "complex request" };
export const STEP_WORDS = {
  pending: "waiting",
  executing: "working",
  completed: "done",
  failed: "failed",
  skipped: "skipped",
  stopped: "stopped",
  idle: "not started",
};
export const ENDING_WORDS = { stop: "Done", cancelled: "Stopped by you", budget_exhausted: "Stopped at its limit" };
export const RUN_WORDS = {
  queued: "Queued",
  running: "Working",
  waiting: "Waiting for your approval",
  done: "Done",
  error: "Failed",
  cancelled: "Stopped by you",
};
export const PLACE_WORDS = { global: "Everything", general: "Everything", project: "A project", task: "A task", calendar: "Calendar" };
export const NEVER = "–";

/** Return a duration: “7 ms”, “1.2 s”, “12 s”, “3 min 5 s”. */
export function duration(ms) {
  if (ms === null || ms === undefined) return NEVER;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

/** Return “1 task”, “3 tasks”. */
export const counted = (count, one) => (count === 1 ? `1 ${one}` : `${number(count)} ${one}s`);

export const number = (value) => (value ?? 0).toLocaleString("en");

/** Return the words of {amount, currency}: an unknown price is said to be unknown, not nothing. */
export function money(cost) {
  if (!cost) return "";
  if (cost.amount === null) return "cost unknown";
  const amount = Number(cost.amount);
  const digits = amount === 0 || amount >= 1 ? 2 : 4;
  return `${cost.currency === "USD" ? "$" : `${cost.currency} `}${amount.toFixed(digits)}`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const LONG = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

export const clock = (moment) => CLOCK.format(new Date(moment));
export const day = (moment) => DAY.format(new Date(moment));
export const exactly = (moment) => LONG.format(new Date(moment));

/** Return when something was, as short as it is clear: “14:02” today, else “Mon 23 Nov”. */
export function when(moment, now = new Date()) {
  const then = new Date(moment);
  return then.toDateString() === now.toDateString() ? clock(then) : day(then);
}

/** Return a text on one line, cut at a length. */
export function oneLine(text, chars = 120) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > chars ? `${line.slice(0, chars - 1)}…` : line;
}

/** Return the first sentence: what follows in a tool's message is advice to the model. */
export const firstSentence = (text) => oneLine(text, 160).split(". ")[0].replace(/\.$/, "");

/** Return “tool_name” as “Tool name”. */
export const spoken = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
