// What an application does with OpenAI's SDK for Node and the Responses API, through the gateway, to the sandbox model
// behind it.
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
  name,
  description: "made for this test",
  strict: false,
  parameters,
}));
const CALLS = 'call weather {"city": "Rome"}\ncall time {"city": "Rome"}';

const ask = (input, more, options) => client.responses.create({ model: "small", input, ...more }, options);
const kinds = (answer) => answer.output.map((item) => item.type);

async function create() {
  const answer = await ask(`I am ${EMAIL}`, { instructions: "be kind" });
  assert.equal(answer.output_text, `You said: I am ${EMAIL}`);
  assert.equal(answer.status, "completed");
  assert.ok(answer.usage.input_tokens > 0);
  assert.deepEqual(kinds(answer), ["message"]);
  const headers = { "x-sluicegate-receipts": "1" };
  const { data, response } = await ask("hi", {}, { headers }).withResponse();
  assert.match(response.headers.get("x-sluicegate-plugins"), /pii;/);
  assert.equal(data.output_text, "You said: hi");
  const history = [{ role: "user", content: "hi" }, ...data.output, { role: "user", content: "and now?" }];
  assert.equal((await ask(history)).output_text, "You said: and now?");
  const short = await ask("long 100", { max_output_tokens: 20 });
  assert.equal(short.incomplete_details.reason, "max_output_tokens");
}

async function stream() {
  const events = client.responses.stream({ model: "small", input: `chunks of 1\nI am ${EMAIL}` });
  let said = "";
  for await (const event of events) if (event.type === "response.output_text.delta") said += event.delta;
  const final = await events.finalResponse();
  assert.equal(said, `You said: I am ${EMAIL}`);
  assert.equal(final.output_text, said);
  const numbers = (await all(await ask("hi", { stream: true }))).map((event) => event.sequence_number);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((one, other) => one - other));
  // Leaving early is nobody's error.
  for await (const _ of await ask("long 2000", { stream: true })) break;
}

async function toolCalls() {
  const calls = (answer) => answer.output.filter((item) => item.type === "function_call");
  const called = (answer) => calls(answer).map((call) => [call.name, JSON.parse(call.arguments)]);
  const expected = [
    ["weather", { city: "Rome" }],
    ["time", { city: "Rome" }],
  ];
  const answer = await ask(CALLS, { tools });
  assert.deepEqual(called(answer), expected);
  const results = calls(answer).map((call) => ({
    type: "function_call_output",
    call_id: call.call_id,
    output: `for ${EMAIL}`,
  }));
  const again = await ask([{ role: "user", content: CALLS }, ...answer.output, ...results], { tools });
  assert.equal(again.output_text.split(EMAIL).length, 3);
  const final = await client.responses
    .stream({ model: "small", input: `chunks of 3\n${CALLS}`, tools })
    .finalResponse();
  assert.deepEqual(called(final), expected);
}

async function thoughts() {
  const think = () => ask("reason: let me see\nhello", { reasoning: { effort: "low" } });
  if (dialect === "bedrock") {
    // How a model is to think is told in its own words there, and of this one none are known.
    await raises(OpenAI.BadRequestError, 400, "untranslatable", think);
    return;
  }
  const answer = await think();
  assert.deepEqual(kinds(answer), ["reasoning", "message"]);
  assert.equal(answer.output[0].summary[0].text, "let me see");
  const history = [{ role: "user", content: "hi" }, ...answer.output, { role: "user", content: "more" }];
  assert.equal((await ask(history)).output_text, "You said: more");
}

async function errors() {
  const { APIError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } = OpenAI;
  await raises(BadRequestError, 400, "pii.blocked", () => ask(`pay with ${CARD}`));
  await raises(BadRequestError, 400, "pii.blocked", () => ask(`pay with ${CARD}`, { stream: true }));
  await raises(BadRequestError, 400, "pii.blocked", () => ask("leak card"));
  await raises(NotFoundError, 404, "model_not_found", () => ask("hi", { model: "huge" }));
  const wrong = await raises(BadRequestError, 400, "invalid_request", () => ask([{ role: "root", content: "x" }]));
  assert.equal(wrong.param, "input[0].role");
  await raises(InternalServerError, 503, "guardrail_failed", () => ask("attack"));
  const own = HAS_KEY ? [] : [[401, AuthenticationError]];
  for (const [status, kind] of [...own, [429, RateLimitError]]) {
    const error = await ask(`fail ${status}: of the provider`).then(() => assert.fail("no error"), (error) => error);
    assert.ok(error instanceof kind && error.message.includes("of the provider"), `${error}`);
  }
  if (dialect !== "responses") {
    const before = { previous_response_id: "resp_1" };
    await raises(BadRequestError, 400, "invalid_request", () => ask("hi", before));
  }
  // In the middle of a stream: the response is incomplete, then the error.
  const seen = [];
  await raises(APIError, undefined, "pii.blocked", async () => {
    for await (const event of await ask("slow 20\nleak card", { stream: true })) seen.push(event);
  });
  assert.equal(seen.at(-1).type, "response.incomplete");
  assert.equal(seen.at(-1).response.incomplete_details.reason, "content_filter");
}

run([create, stream, toolCalls, thoughts, errors]);
