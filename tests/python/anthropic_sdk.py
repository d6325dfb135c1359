"""What an application does with Anthropic's SDK, through the gateway, to the sandbox model behind it.

Run by tests/end_to_end/sdks.rs with the gateway's address. The gateway knows the model "small"; `pii` restores e-mail
addresses and refuses card numbers; `trap-inspect` breaks at the word "attack". Behind it is a provider of the dialect
that the second argument names: the application notices no difference.
"""

import sys

import anthropic
from anthropic import Anthropic

EMAIL = "ada.lovelace@example.com"
TOOLS = [
    {
        "name": name,
        "description": "made for this test",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    for name in ("weather", "time")
]

client = Anthropic(base_url=sys.argv[1].removesuffix("/v1"), api_key="sk-test", max_retries=0, timeout=30)
# On these platforms the gateway has a key of its own: what is said about that is not for callers.
HAS_KEY = sys.argv[2] in ("azure", "bedrock")


def request(text, **more):
    return {"model": "small", "max_tokens": 4000, "messages": [{"role": "user", "content": text}], **more}


def ask(text, **more):
    return client.messages.create(**request(text, **more))


def raises(kind, status, code, do):
    """Runs `do`, and gives the error that it must raise."""
    try:
        said = do()
    except anthropic.APIStatusError as error:
        assert type(error) is kind, f"{type(error)} and not {kind}: {error}"
        assert error.status_code == status, f"{error.status_code}: {error}"
        assert error.body["error"]["code"] == code, f"not {code}: {error.body}"
        return error
    raise AssertionError(f"no error, but {said}")


def chat():
    answer = ask(f"I am {EMAIL}", system="be kind")
    assert [block.type for block in answer.content] == ["text"], answer
    assert answer.content[0].text == f"You said: I am {EMAIL}", answer
    assert answer.stop_reason == "end_turn" and answer.usage.input_tokens > 0, answer
    raw = client.messages.with_raw_response.create(**request("hi"), extra_headers={"x-sluicegate-receipts": "1"})
    assert "pii;" in raw.headers["x-sluicegate-plugins"], raw.headers
    assert raw.headers["x-sluicegate-exchange"] and raw.parse().content[0].text == "You said: hi"
    short = ask("long 100", max_tokens=5)
    assert short.stop_reason == "max_tokens", short


def stream():
    with client.messages.stream(**request(f"chunks of 1\nI am {EMAIL}")) as events:
        said = "".join(events.text_stream)
        final = events.get_final_message()
    assert said == final.content[0].text == f"You said: I am {EMAIL}", said
    assert final.stop_reason == "end_turn" and final.usage.output_tokens > 0, final
    # Leaving early is nobody's error.
    with client.messages.stream(**request("long 2000")) as early:
        next(iter(early))


def tools():
    call = 'call weather {"city": "Rome"}\ncall time {"city": "Rome"}'
    answer = ask(call, tools=TOOLS)
    calls = [(block.name, block.input) for block in answer.content if block.type == "tool_use"]
    assert calls == [("weather", {"city": "Rome"}), ("time", {"city": "Rome"})], answer
    assert answer.stop_reason == "tool_use", answer
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": f"for {EMAIL}"}
        for block in answer.content
        if block.type == "tool_use"
    ]
    history = [
        {"role": "user", "content": call},
        {"role": "assistant", "content": [block.to_dict() for block in answer.content]},
        {"role": "user", "content": results},
    ]
    answer = client.messages.create(model="small", max_tokens=100, messages=history, tools=TOOLS)
    assert answer.content[0].text.count(EMAIL) == 2, answer

    with client.messages.stream(**request(f"chunks of 3\n{call}", tools=TOOLS)) as events:
        final = events.get_final_message()
    calls = [(block.name, block.input) for block in final.content if block.type == "tool_use"]
    assert calls == [("weather", {"city": "Rome"}), ("time", {"city": "Rome"})], final


def thinking():
    answer = ask("reason: let me see\nhello")
    assert [block.type for block in answer.content] == ["thinking", "text"], answer
    assert answer.content[0].thinking == "let me see", answer
    with client.messages.stream(**request("reason: let me see\nhello")) as events:
        final = events.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"], final


def counts():
    def count(text):
        return client.messages.count_tokens(
            model="small", system="be kind", messages=[{"role": "user", "content": text}], tools=TOOLS
        )

    if sys.argv[2] in ("openai", "azure", "bedrock"):
        refused = raises(anthropic.BadRequestError, 400, "untranslatable", lambda: count("hello"))
        assert refused.body["error"]["param"] == "input_tokens", refused.body
    else:
        assert count("one two three").input_tokens == 5
    raises(anthropic.BadRequestError, 400, "pii.blocked", lambda: count("pay with 4111 1111 1111 1111"))


def models():
    assert [model.id for model in client.models.list()] == ["small"]


def errors():
    card = "4111 1111 1111 1111"
    raises(anthropic.BadRequestError, 400, "pii.blocked", lambda: ask(f"pay with {card}"))
    raises(anthropic.BadRequestError, 400, "pii.blocked", lambda: ask(f"pay with {card}", stream=True))
    raises(anthropic.BadRequestError, 400, "pii.blocked", lambda: ask("leak card"))
    unknown = raises(anthropic.NotFoundError, 404, "model_not_found", lambda: ask("hi", model="huge"))
    assert unknown.body["error"]["type"] == "not_found_error", unknown.body
    wrong = raises(
        anthropic.BadRequestError,
        400,
        "invalid_request",
        lambda: client.messages.create(model="small", max_tokens=9, messages=[{"role": "root", "content": "x"}]),
    )
    assert wrong.body["error"]["param"] == "messages[0].role", wrong.body
    failed = lambda: ask("attack")
    try:
        failed()
    except anthropic.InternalServerError as error:
        assert error.status_code == 503 and error.body["error"]["code"] == "guardrail_failed", error.body
    else:
        raise AssertionError("no error")
    own = [] if HAS_KEY else [(401, anthropic.AuthenticationError)]
    for status, kind in [*own, (429, anthropic.RateLimitError)]:
        try:
            ask(f"fail {status}: of the provider")
        except kind as error:
            assert error.status_code == status and "of the provider" in error.body["error"]["message"], error.body
        else:
            raise AssertionError("no error")
    # In the middle of a stream.
    try:
        with client.messages.stream(**request("slow 20\nleak card")) as events:
            said = "".join(events.text_stream)
    except anthropic.APIStatusError as error:
        assert error.body["error"]["code"] == "pii.blocked", error.body
    else:
        raise AssertionError(f"no error, but {said}")


for check in [chat, stream, tools, thinking, counts, models, errors]:
    check()
    print("ok", check.__name__)
