-- What goes with its run, or with a conversation of it, goes with the session of that: to ask for the session's row as
-- well, or for the sender's of a message, was a lock on it and an entry in an index for every row that is written.
alter table agents drop constraint agents_user_id_created_for_session_fkey;
alter table agent_plans drop constraint agent_plans_user_id_session_id_fkey;
alter table agent_chat_sessions drop constraint agent_chat_sessions_user_id_parent_session_id_fkey;
alter table agent_chat_messages
    drop constraint agent_chat_messages_user_id_parent_user_session_id_fkey,
    drop constraint agent_chat_messages_user_id_sender_agent_id_fkey;
drop index agents_by_session, agent_plans_by_session, agent_chat_sessions_by_chat, agent_chat_messages_by_chat,
    agent_chat_messages_by_sender;
