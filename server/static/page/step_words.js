// How a step stands, in words: in a run that ended, one under way was stopped.

/** Return the step's status as it is shown. */
export function statusOf(step, ended) {
  if (!ended || !["executing", "pending"].includes(step.status)) return step.status;
  return step.status === "executing" ? "stopped" : "idle";
}

/** Return why a step was skipped: the step before it that failed, however far before. */
export function skippedBecause(step, steps) {
  const byNumber = new Map(steps.map((held) => [held.number, held]));
  const seen = new Set();
  const look = (numbers) => {
    for (const number of numbers) {
      const before = byNumber.get(number);
      if (!before || seen.has(number)) continue;
      seen.add(number);
      if (before.status === "failed") return before;
      const further = before.status === "skipped" ? look(before.depends_on) : null;
      if (further) return further;
    }
    return null;
  };
  const cause = look(step.depends_on);
  return cause ? `skipped because step ${cause.number} failed` : (step.error ?? "skipped");
}

/** Return the summary that a step brought, when it brought one. */
export function summaryOf(step) {
  const { result } = step;
  if (typeof result === "string") return result;
  return typeof result?.summary === "string" ? result.summary : null;
}
