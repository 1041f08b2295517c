// Why something was not done, in plain words, and what a person can do about it.

const WORDS = {
  unreachable: "The server does not answer. Your text is kept.",
  unauthorized: "You are signed out. Sign in and send it again; your text is kept.",
  too_many_requests: "Too many messages in the last minute.",
  tokens_spent: "The tokens that a minute may cost are spent.",
  session_busy: "This conversation still works on an earlier message.",
  message_too_long: "The message is too long: 16 KB is the most.",
  message_exceeds_budget: "The message needs more tokens than a minute may cost.",
  forbidden: "This sign-in may read, but not send messages.",
  not_found: "This conversation is not there any more.",
  already_decided: "Somebody answered this already.",
  digest_mismatch: "The run waits for other calls by now.",
  not_waiting: "The run does not wait any more.",
  approval_expired: "The time to answer is over; the run was stopped.",
  events_expired: "The details of this run were removed. Its answer is kept.",
  run_finished: "It had ended already.",
  arguments_refused: "A changed value is not what the tool takes.",
  database_unavailable: "The database does not answer just now. Your text is kept.",
  not_ready: "The server is restarting. Your text is kept.",
};

/** Return a refusal in words that fit where it is shown. */
export const wordsOf = (code, otherwise) => WORDS[code] ?? otherwise ?? "That did not work.";
