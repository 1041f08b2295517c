// One thing of a trace, whole: an agent with its conversation, a model call, a tool call, an approval.

import { html } from "./html.js";
import { Icon } from "./icons.js";
import { Json } from "./tools.js";
import { NEVER, clock, counted, duration, exactly, money, number, spoken } from "./wording.js";

export function Detail({ row, trace, onClose }) {
  return html`<section class="card detail" aria-label="Detail">
    <div class="bar"><h2 class="grow" dir="auto">${spoken(row.name)}</h2><button class="bare" onClick=${onClose}><${Icon} name="cross" label="Close the detail" /></button></div>
    ${row.kind === "model" && html`<${ModelCall} call=${row.of.call} />`}
    ${row.kind === "tool" && html`<${ToolCall} call=${row.of.call} />`}
    ${row.kind === "wait" && html`<${Approval} asked=${row.of} />`}
    ${row.of.agent && html`<${Agent} of=${row.of} trace=${trace} />`}
  </section>`;
}

function Facts({ facts }) {
  return html`<dl class="facts-list">${Object.entries(facts).filter(([, value]) => value !== null && value !== "").map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd dir="auto">${value}</dd></div>`)}</dl>`;
}

function ModelCall({ call }) {
  return html`<${Facts} facts=${{
    Model: call.model,
    Outcome: call.outcome ?? "open",
    Time: duration(call.duration_ms),
    Prompt: `${number(call.prompt_tokens)} tokens${call.cached_tokens ? `, ${number(call.cached_tokens)} from cache` : ""}`,
    Answer: `${number(call.completion_tokens)} tokens`,
    Counted: call.estimated ? "estimated by us" : "by the provider",
    Cost: money(call.cost),
    Began: exactly(call.created_at),
  }} />`;
}

function ToolCall({ call }) {
  return html`<${Facts} facts=${{
      State: call.state === "unknown" ? "unknown: please check it in your workspace" : call.state,
      Rule: call.error_code?.replaceAll("_", " ") ?? null,
      Access: call.access,
      Step: call.step_number,
      Time: duration(call.duration_ms),
      Began: exactly(call.created_at),
    }} />
    <${Json} title="Asked" text=${call.arguments} />
    ${call.result !== null && html`<${Json} title="Answered" text=${call.result} />`}`;
}

function Approval({ asked: { approval, calls } }) {
  return html`<${Facts} facts=${{ Decided: approval.status, Note: approval.note, Asked: exactly(approval.created_at), Closed: approval.closed_at ? exactly(approval.closed_at) : NEVER }} />
    <ul class="plain stack">${calls.map((call) => html`<li key=${call.call_id}><b>${spoken(call.tool)}</b>: <span dir="auto">${call.target}</span> <span class="quiet small">${call.verdict ?? ""}</span></li>`)}</ul>`;
}

function Agent({ of: { agent, execution }, trace }) {
  const talks = trace.conversations.filter(({ conversation }) => (conversation.executor_agent_id ?? conversation.planner_agent_id) === agent.id);
  return html`<${Facts} facts=${{
      Kind: agent.type,
      May: agent.permissions === "read_only" ? "only read" : "read and write",
      Tools: agent.available_tools.map((name) => name.replaceAll("_", " ")).join(", "),
      Ended: execution?.status ?? agent.status,
      Time: execution ? duration(execution.duration_ms) : null,
      Tokens: execution ? number(execution.tokens_used) : null,
      Failed: execution?.error ?? null,
    }} />
    ${execution?.result && html`<${Json} title="Found" text=${JSON.stringify(execution.result)} />`}
    ${talks.map((talk) => html`<${Talk} key=${talk.conversation.id} talk=${talk} />`)}`;
}

export function Talk({ talk: { conversation, messages } }) {
  const title = conversation.executor_agent_id ? `With the executor of step ${conversation.step_number}` : conversation.step_number ? `The planner at step ${conversation.step_number}` : "The planner by itself";
  return html`<details class="talk-log">
    <summary>${title} · ${counted(messages.length, "message")}</summary>
    <ol class="plain messages">
      ${messages.map((message) => html`<li key=${message.position} class=${`message ${message.role}`}>
        <span class="small quiet">${message.role}${message.model_used ? ` · ${message.model_used}` : ""}${message.tokens_used ? ` · ${number(message.tokens_used)} tokens` : ""} · ${clock(message.created_at)}</span>
        ${message.content && html`<pre dir="auto" tabindex="0">${message.content}</pre>`}
        ${(message.tool_calls ?? []).map((call) => html`<${Json} key=${call.id} title=${`calls ${call.name}`} text=${call.arguments} />`)}
      </li>`)}
    </ol>
  </details>`;
}
