// What an application does with OpenAI's SDK for Node, through the gateway, to the sandbox model behind it.
//
// Run by tests/end_to_end/sdks.rs with the gateway's address. The gateway knows the model "small"; `pii` restores e-mail
// addresses and refuses card numbers; `trap-inspect` breaks at the word "attack". Behind it is a provider of the dialect
// that the second argument names: the application notices no difference.

const { OpenAI } = require("openai");
const { CARD, EMAIL, HAS_KEY, all, assert, raises, run } = require("./shared.js");

const [baseURL, dialect] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "sk-test", maxRetries: 0, timeout: 30_000 });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = ["weather", "time"].map((name) => ({
  type: "function",
  function: { name, description: "made for this test", parameters },
}));
const CALLS = 'call weather {"city": "Rome"}\ncall time {"city": "Rome"}';

const question = (text, more) => ({ model: "small", messages: [{ role: "user", content: text }], ...more });
const ask = (text, more, options) => client.chat.completions.create(question(text, more), options);
const said = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

async function chat() {
  const answer = await ask(`I am ${EMAIL}`);
  assert.equal(answer.choices[0].message.content, `You said: I am ${EMAIL}`);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.ok(answer.usage.total_tokens > 0);
  const headers = { "x-sluicegate-receipts": "1" };
  const { data, response } = await ask("hi", {}, { headers }).withResponse();
  assert.match(response.headers.get("x-sluicegate-plugins"), /pii;/);
  assert.ok(response.headers.get("x-sluicegate-exchange"));
  assert.equal(data.choices[0].message.content, "You said: hi");
  const models = await all(await client.models.list());
  assert.deepEqual(models.map((model) => model.id), ["small"]);
}

async function stream() {
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = await all(await ask(`chunks of 1\nI am ${EMAIL}`, options));
  assert.equal(said(chunks), `You said: I am ${EMAIL}`);
  assert.ok(chunks.at(-1).usage.total_tokens > 0);
  // Receipts are comments, which the SDK skips.
  const headers = { "x-sluicegate-receipts": "1" };
  assert.equal(said(await all(await ask("hi", { stream: true }, { headers }))), "You said: hi");
  // Leaving early is nobody's error.
  for await (const _ of await ask("long 2000", { stream: true })) break;
}

async function toolCalls() {
  const { message } = (await ask(CALLS, { tools })).choices[0];
  // Another dialect has an object there, and spaces are not kept.
  const called = (calls) => calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
  const expected = [
    ["weather", { city: "Rome" }],
    ["time", { city: "Rome" }],
  ];
  assert.deepEqual(called(message.tool_calls), expected);
  const results = message.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: `for ${EMAIL}` }));
  const messages = [{ role: "user", content: CALLS }, message, ...results];
  const answer = await client.chat.completions.create({ model: "small", messages, tools });
  assert.equal(answer.choices[0].message.content.split(EMAIL).length, 3);
  // The SDK's own way to put a stream together again.
  const final = await client.chat.completions.stream(question(`chunks of 3\n${CALLS}`, { tools })).finalChatCompletion();
  assert.deepEqual(called(final.choices[0].message.tool_calls), expected);
}

async function errors() {
  const { APIError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } = OpenAI;
  const denied = await raises(BadRequestError, 400, "pii.blocked", () => ask(`pay with ${CARD}`));
  assert.equal(denied.type, "guardrail_denied");
  await raises(BadRequestError, 400, "pii.blocked", () => ask(`pay with ${CARD}`, { stream: true }));
  await raises(BadRequestError, 400, "pii.blocked", () => ask("leak card"));
  const unknown = await raises(NotFoundError, 404, "model_not_found", () => ask("hi", { model: "huge" }));
  assert.equal(unknown.param, "model");
  const stranger = { messages: [{ role: "root", content: "x" }] };
  const wrong = await raises(BadRequestError, 400, "invalid_request", () => ask("", stranger));
  assert.equal(wrong.param, "messages[0].role");
  await raises(InternalServerError, 503, "guardrail_failed", () => ask("an attack on the gates"));
  await raises(InternalServerError, 502, "upstream_broken", () => ask("die"));
  const own = HAS_KEY ? [] : [[401, OpenAI.AuthenticationError]];
  for (const [status, kind] of [...own, [429, RateLimitError], [500, InternalServerError]]) {
    for (const stream of [false, true]) {
      const error = await ask(`fail ${status}: no luck`, { stream }).then(() => assert.fail("no error"), (error) => error);
      assert.ok(error instanceof kind && error.status === status && error.message.includes("no luck"), `${error}`);
    }
  }
  const limited = await ask("fail 429 retry-after 7").catch((error) => error);
  assert.equal(limited.headers.get("retry-after"), "7");

  // In the middle of a stream the status was 200.
  for (const [text, code] of [
    ["slow 30\nchunks of 40\nleak card", "pii.blocked"],
    ["slow 30\ndie after 9\nlong 50", "upstream_broken"],
    ["slow 30\ngarbage after 9\nlong 50", "upstream_broken"],
  ]) {
    const chunks = [];
    await raises(APIError, undefined, code, async () => {
      for await (const chunk of await ask(text, { stream: true })) chunks.push(chunk);
    });
    assert.ok(chunks.length > 0 && !said(chunks).includes("4111"), said(chunks));
    if (code === "pii.blocked") assert.equal(chunks.at(-1).choices[0].finish_reason, "content_filter");
  }
  if (dialect === "openai" || dialect === "azure") {
    const two = await ask("hello", { n: 2 });
    assert.deepEqual(two.choices.map((choice) => choice.index), [0, 1]);
  }
}

run([chat, stream, toolCalls, errors]);
