-- What a run writes beside its rows, and nobody reads.

-- A row of a run belongs to its session, and that to the person: as in 0007 for events, asking for the
-- person's row as well is a lock on it, and an entry in Postgres's log, for every row that is written.
do $$
declare
    name text;
begin
    foreach name in array array[
        'runs', 'chat_messages', 'agents', 'agent_plans', 'agent_chat_sessions', 'agent_chat_messages',
        'agent_executions', 'tool_calls', 'model_usage', 'write_intents', 'approvals', 'approval_calls',
        'checkpoints', 'checkpoint_blobs', 'checkpoint_writes']
    loop
        execute format('alter table %I drop constraint %I', name, name || '_user_id_fkey');
    end loop;
end
$$;

-- No foreign key points at these by owner and id, and their own key is the id.
alter table chat_messages drop constraint chat_messages_user_id_id_key;
alter table agent_chat_messages drop constraint agent_chat_messages_user_id_id_key;
alter table agent_executions drop constraint agent_executions_user_id_id_key;
alter table model_usage drop constraint model_usage_user_id_id_key;
alter table notes drop constraint notes_user_id_id_key;
alter table brain_dumps drop constraint brain_dumps_user_id_id_key;
alter table phase_tasks drop constraint phase_tasks_user_id_id_key;
alter table task_calendar_events drop constraint task_calendar_events_user_id_id_key;

-- LangGraph's own, on the column that its primary keys begin with.
drop index if exists checkpoints_thread_id_idx, checkpoint_blobs_thread_id_idx, checkpoint_writes_thread_id_idx;

-- Nobody asks for a session's runs in their order, and the check that a message's run is one of its session took
-- this index: it read every run of the session.
drop index runs_by_session;

-- These rows change once or twice soon after they are written. With room on their page the new version
-- needs no new entry in any index.
alter table runs set (fillfactor = 80);
alter table chat_sessions set (fillfactor = 80);
alter table agents set (fillfactor = 80);
alter table agent_plans set (fillfactor = 80);
alter table agent_chat_sessions set (fillfactor = 80);
alter table agent_executions set (fillfactor = 80);
alter table tool_calls set (fillfactor = 80);
alter table model_usage set (fillfactor = 80);
