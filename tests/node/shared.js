// What the scripts have in common: what an error must be, and one check after the other.

const assert = require("node:assert/strict");

const EMAIL = "ada.lovelace@example.com";
const CARD = "4111 1111 1111 1111";

// Runs `work`, and gives the error that it must raise.
async function raises(kind, status, code, work) {
  let said;
  try {
    said = await work();
  } catch (error) {
    assert.ok(error instanceof kind, `${error}`);
    assert.equal(error.status, status, `${error}`);
    assert.equal(codeOf(error), code, JSON.stringify(error.error));
    return error;
  }
  assert.fail(`no error, but ${JSON.stringify(said)}`);
}

// On these platforms the gateway has a key of its own: what is said about that is not for callers.
const HAS_KEY = ["azure", "bedrock"].includes(process.argv[3]);

// OpenAI's SDK has the code as a field; Anthropic's leaves it in the body.
function codeOf(error) {
  return error.code ?? error.error?.error?.code;
}

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

async function run(checks) {
  for (const check of checks) {
    await check();
    console.log("ok", check.name);
  }
}

module.exports = { CARD, EMAIL, HAS_KEY, all, assert, raises, run };
