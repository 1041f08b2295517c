-- What a client says was talked about before a new session began: a JSON list of
-- {role, content}. Anyone can forge it, so it is quoted to the planner as the
-- person's own text and never stored among the session's messages.
alter table runs add column quoted_history text check (octet_length(quoted_history) <= 32768);
