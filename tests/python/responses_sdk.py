"""What an application does with OpenAI's SDK and the Responses API, through the gateway, to the sandbox model behind it.

Run by tests/end_to_end/sdks.rs with the gateway's address. The gateway knows the model "small"; `pii` restores e-mail
addresses and refuses card numbers; `trap-inspect` breaks at the word "attack". Behind it is a provider of the dialect
that the second argument names: the application notices no difference.
"""

import sys

import openai
from openai import OpenAI
from pydantic import BaseModel

EMAIL = "ada.lovelace@example.com"
TOOLS = [
    {
        "type": "function",
        "name": name,
        "description": "made for this test",
        "strict": False,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    for name in ("weather", "time")
]

client = OpenAI(base_url=sys.argv[1], api_key="sk-test", max_retries=0, timeout=30)
# On these platforms the gateway has a key of its own: what is said about that is not for callers.
HAS_KEY = sys.argv[2] in ("azure", "bedrock")


def ask(text, **more):
    return client.responses.create(**{"model": "small", "input": text, **more})


def raises(kind, status, code, do):
    """Runs `do`, and gives the error that it must raise."""
    try:
        said = do()
    except openai.APIStatusError as error:
        assert type(error) is kind, f"{type(error)} and not {kind}: {error}"
        assert error.status_code == status, f"{error.status_code}: {error}"
        assert error.code == code, f"not {code}: {error.body}"
        return error
    raise AssertionError(f"no error, but {said}")


def create():
    answer = ask(f"I am {EMAIL}", instructions="be kind")
    assert answer.output_text == f"You said: I am {EMAIL}", answer
    assert answer.status == "completed" and answer.usage.input_tokens > 0, answer
    assert [item.type for item in answer.output] == ["message"], answer
    raw = client.responses.with_raw_response.create(
        model="small", input="hi", extra_headers={"x-sluicegate-receipts": "1"}
    )
    assert "pii;" in raw.headers["x-sluicegate-plugins"], raw.headers
    assert raw.headers["x-sluicegate-exchange"] and raw.parse().output_text == "You said: hi"
    history = [{"role": "user", "content": "hi"}, *answer.output, {"role": "user", "content": "and now?"}]
    assert ask(history).output_text == "You said: and now?"
    short = ask("long 100", max_output_tokens=20)
    assert short.status == "incomplete" and short.incomplete_details.reason == "max_output_tokens", short


def stream():
    with client.responses.stream(model="small", input=f"chunks of 1\nI am {EMAIL}") as events:
        said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events.get_final_response()
    assert said == final.output_text == f"You said: I am {EMAIL}", (said, final)
    assert final.status == "completed" and final.usage.output_tokens > 0, final
    numbers = [event.sequence_number for event in ask("hi", stream=True)]
    assert numbers == sorted(set(numbers)), numbers
    # Leaving early is nobody's error.
    with ask("long 2000", stream=True) as early:
        next(iter(early))


def tools():
    call = 'call weather {"city": "Rome"}\ncall time {"city": "Rome"}'
    expected = [("weather", '{"city": "Rome"}'), ("time", '{"city": "Rome"}')]
    called = lambda answer: [
        (item.name, item.arguments.replace('":"', '": "')) for item in answer.output if item.type == "function_call"
    ]
    answer = ask(call, tools=TOOLS)
    assert called(answer) == expected, answer
    results = [
        {"type": "function_call_output", "call_id": item.call_id, "output": f"for {EMAIL}"} for item in answer.output
        if item.type == "function_call"
    ]
    answer = ask([{"role": "user", "content": call}, *answer.output, *results], tools=TOOLS)
    assert answer.output_text.count(EMAIL) == 2, answer
    with client.responses.stream(model="small", input=f"chunks of 3\n{call}", tools=TOOLS) as events:
        final = events.get_final_response()
    assert called(final) == expected, final


def parsed():
    class Answer(BaseModel):
        answer: str

    said = client.responses.parse(model="small", input="hello", text_format=Answer)
    assert isinstance(said.output_parsed, Answer), said
    with client.responses.stream(model="small", input="hello", text_format=Answer) as events:
        assert events.get_final_response().output_parsed == said.output_parsed


def thoughts():
    def think():
        return ask("reason: let me see\nhello", reasoning={"effort": "low"})

    if sys.argv[2] == "bedrock":
        # How a model is to think is told in its own words there, and of this one none are known.
        raises(openai.BadRequestError, 400, "untranslatable", think)
        return
    answer = think()
    assert [item.type for item in answer.output] == ["reasoning", "message"], answer
    assert answer.output[0].summary[0].text == "let me see", answer
    again = ask([{"role": "user", "content": "hi"}, *answer.output, {"role": "user", "content": "more"}])
    assert again.output_text == "You said: more", again
    with client.responses.stream(model="small", input="reason: let me see\nhello") as events:
        final = events.get_final_response()
    assert [item.type for item in final.output] == ["reasoning", "message"], final


def errors():
    card = "4111 1111 1111 1111"
    raises(openai.BadRequestError, 400, "pii.blocked", lambda: ask(f"pay with {card}"))
    raises(openai.BadRequestError, 400, "pii.blocked", lambda: ask(f"pay with {card}", stream=True))
    raises(openai.BadRequestError, 400, "pii.blocked", lambda: ask("leak card"))
    raises(openai.NotFoundError, 404, "model_not_found", lambda: ask("hi", model="huge"))
    wrong = raises(openai.BadRequestError, 400, "invalid_request", lambda: ask([{"role": "root", "content": "x"}]))
    assert wrong.param == "input[0].role", wrong.body
    raises(openai.InternalServerError, 503, "guardrail_failed", lambda: ask("attack"))
    own = [] if HAS_KEY else [(401, openai.AuthenticationError)]
    for status, kind in [*own, (429, openai.RateLimitError)]:
        try:
            ask(f"fail {status}: of the provider")
        except kind as error:
            assert error.status_code == status and "of the provider" in error.message, error.body
        else:
            raise AssertionError("no error")
    if sys.argv[2] != "responses":
        raises(openai.BadRequestError, 400, "invalid_request", lambda: ask("hi", previous_response_id="resp_1"))
    # In the middle of a stream: the response is incomplete, then the error.
    seen = []
    try:
        for event in ask("slow 20\nleak card", stream=True):
            seen.append(event)
    except openai.APIError as error:
        assert error.code == "pii.blocked", error.body
    else:
        raise AssertionError("no error")
    assert seen[-1].type == "response.incomplete", seen[-1]
    assert seen[-1].response.incomplete_details.reason == "content_filter", seen[-1]


for check in [create, stream, tools, parsed, thoughts, errors]:
    check()
    print("ok", check.__name__)
