// What an application does with Anthropic's SDK for Node, through the gateway, to the sandbox model behind it.
//
// Run by tests/end_to_end/sdks.rs with the gateway's address. The gateway knows the model "small"; `pii` restores e-mail
// addresses and refuses card numbers; `trap-inspect` breaks at the word "attack". Behind it is a provider of the dialect
// that the second argument names: the application notices no difference.

const { Anthropic } = require("@anthropic-ai/sdk");
const { CARD, EMAIL, HAS_KEY, all, assert, raises, run } = require("./shared.js");

const baseURL = process.argv[2].replace(/\/v1$/, "");
const client = new Anthropic({ baseURL, apiKey: "sk-test", maxRetries: 0, timeout: 30_000 });
const input_schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = ["weather", "time"].map((name) => ({ name, description: "made for this test", input_schema }));
const CALLS = 'call weather {"city": "Rome"}\ncall time {"city": "Rome"}';

const question = (text, more) => ({
  model: "small",
  max_tokens: 4000,
  messages: [{ role: "user", content: text }],
  ...more,
});
const ask = (text, more, options) => client.messages.create(question(text, more), options);
const kinds = (answer) => answer.content.map((block) => block.type);

async function chat() {
  const answer = await ask(`I am ${EMAIL}`, { system: "be kind" });
  assert.deepEqual(kinds(answer), ["text"]);
  assert.equal(answer.content[0].text, `You said: I am ${EMAIL}`);
  assert.equal(answer.stop_reason, "end_turn");
  assert.ok(answer.usage.input_tokens > 0);
  const headers = { "x-sluicegate-receipts": "1" };
  const { data, response } = await ask("hi", {}, { headers }).withResponse();
  assert.match(response.headers.get("x-sluicegate-plugins"), /pii;/);
  assert.equal(data.content[0].text, "You said: hi");
  assert.equal((await ask("long 100", { max_tokens: 5 })).stop_reason, "max_tokens");
  const models = await all(await client.models.list());
  assert.deepEqual(models.map((model) => model.id), ["small"]);
}

async function stream() {
  let said = "";
  const events = client.messages.stream(question(`chunks of 1\nI am ${EMAIL}`)).on("text", (text) => (said += text));
  const final = await events.finalMessage();
  assert.equal(said, `You said: I am ${EMAIL}`);
  assert.equal(final.content[0].text, said);
  assert.equal(final.stop_reason, "end_turn");
  assert.ok(final.usage.output_tokens > 0);
  // Leaving early is nobody's error.
  for await (const _ of await ask("long 2000", { stream: true })) break;
}

async function toolCalls() {
  const calls = (answer) => answer.content.filter((block) => block.type === "tool_use");
  const called = (answer) => calls(answer).map((call) => [call.name, call.input]);
  const expected = [
    ["weather", { city: "Rome" }],
    ["time", { city: "Rome" }],
  ];
  const answer = await ask(CALLS, { tools });
  assert.deepEqual(called(answer), expected);
  assert.equal(answer.stop_reason, "tool_use");
  const results = calls(answer).map((call) => ({ type: "tool_result", tool_use_id: call.id, content: `for ${EMAIL}` }));
  const messages = [
    { role: "user", content: CALLS },
    { role: "assistant", content: answer.content },
    { role: "user", content: results },
  ];
  const again = await client.messages.create({ model: "small", max_tokens: 100, messages, tools });
  assert.equal(again.content[0].text.split(EMAIL).length, 3);
  assert.deepEqual(called(await client.messages.stream(question(`chunks of 3\n${CALLS}`, { tools })).finalMessage()), expected);
}

async function thinking() {
  const answer = await ask("reason: let me see\nhello");
  assert.deepEqual(kinds(answer), ["thinking", "text"]);
  assert.equal(answer.content[0].thinking, "let me see");
  const final = await client.messages.stream(question("reason: let me see\nhello")).finalMessage();
  assert.deepEqual(kinds(final), ["thinking", "text"]);
}

async function errors() {
  const { APIError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } = Anthropic;
  await raises(BadRequestError, 400, "pii.blocked", () => ask(`pay with ${CARD}`));
  await raises(BadRequestError, 400, "pii.blocked", () => ask(`pay with ${CARD}`, { stream: true }));
  await raises(BadRequestError, 400, "pii.blocked", () => ask("leak card"));
  const unknown = await raises(NotFoundError, 404, "model_not_found", () => ask("hi", { model: "huge" }));
  assert.equal(unknown.error.error.type, "not_found_error");
  const stranger = { messages: [{ role: "root", content: "x" }] };
  const wrong = await raises(BadRequestError, 400, "invalid_request", () => ask("", stranger));
  assert.equal(wrong.error.error.param, "messages[0].role");
  await raises(InternalServerError, 503, "guardrail_failed", () => ask("attack"));
  const own = HAS_KEY ? [] : [[401, AuthenticationError]];
  for (const [status, kind] of [...own, [429, RateLimitError]]) {
    const error = await ask(`fail ${status}: of the provider`).then(() => assert.fail("no error"), (error) => error);
    assert.ok(error instanceof kind && error.message.includes("of the provider"), `${error}`);
  }
  // In the middle of a stream the status was 200.
  await raises(APIError, undefined, "pii.blocked", async () => all(await ask("slow 20\nleak card", { stream: true })));
}

run([chat, stream, toolCalls, thinking, errors]);
