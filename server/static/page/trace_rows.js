// The rows of a waterfall: each agent with its model and tool calls below it, and what was waited for.

import { spanOf } from "./times.js";

const moment = (text) => (text ? Date.parse(text) : null);

/** Return {from, to, rows}; a row is {key, kind, level, name, began, ended, of, wait}, times in ms since 1970. */
export function rowsOf(trace, now = Date.now()) {
  const { run } = trace;
  const from = moment(run.created_at);
  const to = Math.max(moment(run.finished_at) ?? now, from + 1);
  const rows = [...queued(run, from), ...trace.agents.flatMap((agent) => agentRows(agent, trace)), ...trace.approvals.map(waited)];
  return { from, to, rows: grouped(rows) };
}

function queued(run, from) {
  const started = moment(run.started_at);
  return started === null ? [] : [{ key: "queue", kind: "wait", level: 0, name: "Waited for a worker", began: from, ended: started, of: null }];
}

const waited = ({ approval, calls }) => ({
  key: approval.id,
  kind: "wait",
  level: 0,
  name: "Waited for approval",
  began: moment(approval.created_at),
  ended: moment(approval.closed_at),
  of: { approval, calls },
});

function agentRows(agent, trace) {
  const execution = trace.executions.find((done) => done.executor_agent_id === agent.id);
  const began = moment(execution?.created_at ?? agent.created_at);
  const ended = moment(execution?.completed_at ?? agent.completed_at);
  const head = {
    key: agent.id,
    kind: agent.type,
    level: 0,
    name: execution ? `Step ${execution.step_number}: ${agent.name}` : agent.name,
    step: execution?.step_number ?? null,
    began,
    ended,
    of: { agent, execution },
    failed: execution?.success === false,
  };
  const calls = [
    ...trace.model_calls.filter((call) => call.agent_id === agent.id).map((call) => callRow("model", call.purpose.replaceAll("_", " "), call, call.outcome === "failed")),
    ...trace.tool_calls.filter((call) => call.agent_id === agent.id).map((call) => callRow("tool", call.tool.replaceAll("_", " "), call, !["applied", "dry"].includes(call.state))),
  ];
  return [head, ...calls.sort((one, other) => one.began - other.began)];
}

const callRow = (kind, name, call, failed) => ({ key: call.id, kind, level: 1, name, failed, of: { call }, ...spanOf(call) });

// Agents stand in the order they began; what lies below one stays below it.
function grouped(rows) {
  const groups = [];
  for (const row of rows) {
    if (row.level === 0) groups.push([row]);
    else groups.at(-1).push(row);
  }
  return groups.sort((one, other) => one[0].began - other[0].began).flat();
}
