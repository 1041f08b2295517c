// Where the nodes of a plan stand: the column is the depth of what a step waits for, the row is the plan's order.
// Steps of which none waits for another stand side by side, as many as there is room for.

/** Return {columns, rows, cells: Map number → {column, row}}; what waits in a circle stands at the left. */
export function layoutOf(steps, across = 1) {
  const byNumber = new Map(steps.map((step) => [step.number, step]));
  const depths = new Map();
  const depthOf = (step, above = new Set()) => {
    if (depths.has(step.number)) return depths.get(step.number);
    if (above.has(step.number)) return 0;
    const before = step.depends_on.map((number) => byNumber.get(number)).filter(Boolean);
    const depth = before.length ? 1 + Math.max(...before.map((one) => depthOf(one, new Set([...above, step.number])))) : 0;
    depths.set(step.number, depth);
    return depth;
  };
  const filled = [];
  const cells = new Map();
  for (const step of steps) {
    const column = depthOf(step);
    filled[column] = filled[column] ?? 0;
    cells.set(step.number, { column, row: filled[column]++ });
  }
  if (filled.length === 1 && across > 1) return flowing(steps, Math.min(across, steps.length));
  return { columns: filled.length, rows: Math.max(0, ...filled.map((count) => count ?? 0)), cells };
}

function flowing(steps, columns) {
  const cells = new Map(steps.map((step, place) => [step.number, { column: place % columns, row: Math.floor(place / columns) }]));
  return { columns, rows: Math.ceil(steps.length / columns), cells };
}
