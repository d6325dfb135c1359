"""What an application does with the OpenAI SDK, through the gateway, to the sandbox model behind it.

Run by tests/end_to_end/sdks.rs with the gateway's address. The gateway knows the model "small"; `pii` restores
e-mail addresses and refuses card numbers; `trap-inspect` breaks at the word "attack". Behind it is a provider of the dialect
that the second argument names: the application notices no difference.
"""

import json
import sys

import openai
from openai import OpenAI

EMAIL = "ada.lovelace@example.com"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "made for this test",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
    for name in ("weather", "time")
]

client = OpenAI(base_url=sys.argv[1], api_key="sk-test", max_retries=0, timeout=30)
# On these platforms the gateway has a key of its own: what is said about that is not for callers.
HAS_KEY = sys.argv[2] in ("azure", "bedrock")


def ask(text, **more):
    return client.chat.completions.create(
        model=more.pop("model", "small"), messages=[{"role": "user", "content": text}], **more
    )


def raises(kind, status, code, do):
    """Runs `do`, and gives the error that it must raise."""
    try:
        said = do()
    except openai.APIError as error:
        assert type(error) is kind, f"{type(error)} and not {kind}: {error}"
        assert getattr(error, "status_code", None) == status, f"{getattr(error, 'status_code', None)}: {error}"
        assert error.code == code, f"{error.code} and not {code}: {error}"
        return error
    raise AssertionError(f"no error, but {said}")


def chat():
    answer = ask(f"I am {EMAIL}")
    assert answer.choices[0].message.content == f"You said: I am {EMAIL}", answer
    assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens > 0, answer
    if sys.argv[2] in ("openai", "gemini", "azure"):
        two = ask("hello", n=2)
        assert [choice.index for choice in two.choices] == [0, 1], two
    else:
        refused = raises(openai.BadRequestError, 400, "untranslatable", lambda: ask("hello", n=2))
        assert refused.param == "n", refused.body
    raw = client.chat.completions.with_raw_response.create(
        model="small", messages=[{"role": "user", "content": "hi"}], extra_headers={"x-sluicegate-receipts": "1"}
    )
    assert "pii;" in raw.headers["x-sluicegate-plugins"], raw.headers
    assert raw.headers["x-sluicegate-exchange"] and raw.parse().choices[0].message.content == "You said: hi"


def stream():
    said, last = "", None
    for chunk in ask(f"chunks of 1\nI am {EMAIL}", stream=True, stream_options={"include_usage": True}):
        if chunk.choices:
            said += chunk.choices[0].delta.content or ""
        last = chunk
    assert said == f"You said: I am {EMAIL}", said
    assert last.usage.total_tokens > 0, last
    # Receipts are comments, which the SDK skips.
    chunks = list(ask("hi", stream=True, extra_headers={"x-sluicegate-receipts": "1"}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: hi", chunks
    # Leaving early is nobody's error.
    with ask("long 2000", stream=True) as early:
        next(iter(early))


def tools():
    call = 'call weather {"city": "Rome"}\ncall time {"city": "Rome"}'
    message = ask(call, tools=TOOLS).choices[0].message
    # Another dialect has an object there, and spaces are not kept.
    calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]
    assert calls == [("weather", {"city": "Rome"}), ("time", {"city": "Rome"})], calls
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"for {EMAIL}"} for call in message.tool_calls]
    history = [{"role": "user", "content": call}, message.to_dict(), *results]
    answer = client.chat.completions.create(model="small", messages=history, tools=TOOLS)
    assert answer.choices[0].message.content.count(EMAIL) == 2, answer

    names, arguments = {}, {}
    for chunk in ask(f"chunks of 3\n{call}", tools=TOOLS, stream=True):
        for part in chunk.choices[0].delta.tool_calls or []:
            names[part.index] = names.get(part.index, "") + (part.function.name or "")
            arguments[part.index] = arguments.get(part.index, "") + (part.function.arguments or "")
    assert names == {0: "weather", 1: "time"}, names
    assert [json.loads(whole) for whole in arguments.values()] == [{"city": "Rome"}] * 2, arguments

    # The SDK's own way to put a stream together again.
    with client.chat.completions.stream(
        model="small", messages=[{"role": "user", "content": call}], tools=TOOLS
    ) as events:
        final = events.get_final_completion()
    assert [call.function.name for call in final.choices[0].message.tool_calls] == ["weather", "time"], final


def completions():
    answer = client.completions.create(model="small", prompt=f"I am {EMAIL}", max_tokens=50)
    assert answer.choices[0].text == f"You said: I am {EMAIL}" and answer.usage.total_tokens > 0, answer
    said, last = "", None
    for chunk in client.completions.create(model="small", prompt=f"chunks of 1\nI am {EMAIL}", stream=True):
        said += chunk.choices[0].text
        last = chunk
    assert said == f"You said: I am {EMAIL}" and last.choices[0].finish_reason == "stop", (said, last)
    card = "4111 1111 1111 1111"
    create = client.completions.create
    raises(openai.BadRequestError, 400, "pii.blocked", lambda: create(model="small", prompt=f"pay with {card}"))
    tokens = raises(openai.BadRequestError, 400, "invalid_request", lambda: create(model="small", prompt=[464, 2068]))
    assert tokens.param == "prompt", tokens.body


def embeddings():
    def create(texts, **more):
        return client.embeddings.create(model="small", input=texts, **more)

    if sys.argv[2] in ("anthropic", "bedrock"):
        refused = raises(openai.BadRequestError, 400, "untranslatable", lambda: create("hello"))
        assert "vectors" in refused.message, refused
        return
    # The SDK asks for Base64 where nothing is said.
    answer = create(["hello", "there"])
    assert [len(item.embedding) for item in answer.data] == [8, 8] and answer.usage.total_tokens == 2, answer
    plain = create(["hello", "there"], encoding_format="float")
    pairs = zip(answer.data[1].embedding, plain.data[1].embedding, strict=True)
    assert all(abs(one - other) < 1e-6 for one, other in pairs), (answer, plain)
    assert len(create("hello", dimensions=3).data[0].embedding) == 3
    raises(openai.BadRequestError, 400, "pii.blocked", lambda: create("4111 1111 1111 1111"))
    tokens = raises(openai.BadRequestError, 400, "invalid_request", lambda: create([1, 2, 3]))
    assert tokens.param == "input", tokens.body


def models():
    assert [model.id for model in client.models.list()] == ["small"]


def errors():
    card = "4111 1111 1111 1111"
    denied = raises(openai.BadRequestError, 400, "pii.blocked", lambda: ask(f"pay with {card}"))
    assert denied.type == "guardrail_denied" and denied.param is None, denied.body
    raises(openai.BadRequestError, 400, "pii.blocked", lambda: ask(f"pay with {card}", stream=True))
    raises(openai.BadRequestError, 400, "pii.blocked", lambda: ask("leak card"))
    unknown = raises(openai.NotFoundError, 404, "model_not_found", lambda: ask("hi", model="huge"))
    assert unknown.param == "model" and "GET /v1/models" in unknown.message, unknown
    wrong = raises(
        openai.BadRequestError,
        400,
        "invalid_request",
        lambda: client.chat.completions.create(model="small", messages=[{"role": "root", "content": "x"}]),
    )
    assert wrong.param == "messages[0].role", wrong.body
    raises(openai.NotFoundError, 404, "not_found", lambda: client.moderations.create(input="x"))
    raises(openai.InternalServerError, 503, "guardrail_failed", lambda: ask("an attack on the gates"))
    raises(openai.InternalServerError, 502, "upstream_broken", lambda: ask("die"))

    kinds = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        409: openai.ConflictError,
        422: openai.UnprocessableEntityError,
        429: openai.RateLimitError,
        500: openai.InternalServerError,
        503: openai.InternalServerError,
    }
    for status, kind in kinds.items():
        if HAS_KEY and status in (401, 403):
            raises(openai.InternalServerError, 502, "upstream_credential_refused", lambda: ask(f"fail {status}"))
            continue
        for streaming in (False, True):
            try:
                ask(f"fail {status}: no luck", stream=streaming)
                raise AssertionError(f"{status} is no error")
            except openai.APIStatusError as error:
                assert type(error) is kind and error.status_code == status, error
                assert "no luck" in error.message, error
    try:
        ask("fail 429 retry-after 7")
    except openai.RateLimitError as error:
        assert error.response.headers["retry-after"] == "7", error.response.headers


def errors_in_streams():
    def all_of(text):
        said = []

        def read():
            for chunk in ask(text, stream=True):
                said.append(chunk)

        return read, said

    # Not an APIStatusError: the status was 200.
    read, said = all_of("slow 30\nchunks of 40\nleak card")
    raises(openai.APIError, None, "pii.blocked", read)
    assert said[-1].choices[0].finish_reason == "content_filter", said[-1]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in said)
    assert text and "4111" not in text, text
    read, said = all_of("slow 30\ndie after 9\nlong 50")
    raises(openai.APIError, None, "upstream_broken", read)
    assert said
    read, said = all_of("slow 30\ngarbage after 9\nlong 50")
    raises(openai.APIError, None, "upstream_broken", read)
    assert said


for test in (chat, stream, tools, completions, embeddings, models, errors, errors_in_streams):
    test()
    print(f"{test.__name__}: fine")
