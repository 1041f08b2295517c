// Uses clients/typescript/planwright.ts as a test tells it to, and prints what came of it, a line of JSON each.
// node driver.mjs ADDRESS TOKEN '{"call": "stream", "with": [{"message": "Hello"}], "leaves": false}'
import { ConnectionLost, Planwright, Refused } from "../../../clients/typescript/planwright.ts";

const [address, token, told] = process.argv.slice(2);
const { call, with: given, pauses, leaves } = JSON.parse(told);
const planwright = new Planwright(address, token);
if (pauses) planwright.pausesMs = pauses;
const say = (value) => console.log(JSON.stringify(value));
planwright.onLost = (tryNumber) => say({ lost: tryNumber });

try {
  const answer = planwright[call](...given);
  if (!(Symbol.asyncIterator in answer)) say({ answer: await answer });
  else
    for await (const received of answer) {
      say(received);
      if (leaves) break;
    }
} catch (error) {
  say({
    raised: error.name,
    text: error.message,
    ...(error instanceof Refused && { status: error.status, code: error.code, again: error.retryAfterSeconds }),
    ...(error instanceof ConnectionLost && { runId: error.runId, after: error.after }),
  });
}
