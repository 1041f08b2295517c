-- Deleting a session deletes whatever points at it, table by table: each of these
-- columns is how one of the tables finds its rows.
create index agents_by_session on agents (user_id, created_for_session);
create index agent_plans_by_planner on agent_plans (user_id, planner_agent_id);
create index agent_chat_sessions_by_chat on agent_chat_sessions (user_id, parent_session_id);
create index agent_chat_sessions_by_plan on agent_chat_sessions (user_id, plan_id) where plan_id is not null;
create index agent_chat_sessions_by_planner on agent_chat_sessions (user_id, planner_agent_id);
create index agent_chat_sessions_by_executor on agent_chat_sessions (user_id, executor_agent_id)
    where executor_agent_id is not null;
create index agent_chat_messages_by_sender on agent_chat_messages (user_id, sender_agent_id)
    where sender_agent_id is not null;
create index agent_executions_by_executor on agent_executions (user_id, executor_agent_id);
create index agent_executions_by_conversation on agent_executions (user_id, agent_session_id);
create index tool_calls_by_agent on tool_calls (user_id, agent_id);
create index model_usage_by_agent on model_usage (user_id, agent_id) where agent_id is not null;

-- Links and tasks that were put away are found too.
create index task_calendar_events_by_task on task_calendar_events (user_id, task_id);
create index tasks_of_project on tasks (user_id, project_id) where project_id is not null;

-- An event belongs to a run, and the run to the person: asking for the person's row
-- as well, at every event, would only make the log's writers wait for one another.
alter table run_events drop constraint run_events_user_id_fkey;
