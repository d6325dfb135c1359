"""What an application does with Google's Gen AI SDK, through the gateway, to the sandbox model behind it.

Run by tests/end_to_end/sdks.rs with the gateway's address. The gateway knows the model "small"; `pii` restores e-mail
addresses and refuses card numbers; `trap-inspect` breaks at the word "attack". Behind it is a provider of the dialect
that the second argument names: the application notices no difference.
"""

import sys

from google import genai
from google.genai import errors, types

EMAIL = "ada.lovelace@example.com"


def connect(**options):
    options = types.HttpOptions(base_url=sys.argv[1].removesuffix("/v1"), timeout=30_000, **options)
    return genai.Client(api_key="AIza-test", http_options=options)


client = connect()
# Older versions of the SDK ask for this version of the API by themselves.
beta = connect(api_version="v1beta")


def function(name):
    schema = types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"])
    return types.FunctionDeclaration(name=name, description="made for this test", parameters=schema)


TOOLS = [types.Tool(function_declarations=[function("weather"), function("time")])]


def ask(text, model="small", **config):
    return client.models.generate_content(
        model=model, contents=text, config=types.GenerateContentConfig(**config)
    )


def stream_of(text, **config):
    return client.models.generate_content_stream(
        model="small", contents=text, config=types.GenerateContentConfig(**config)
    )


def raises(kind, status, code, do):
    """Runs `do`, and gives the error that it must raise."""
    try:
        said = do()
    except errors.APIError as error:
        assert type(error) is kind, f"{type(error)} and not {kind}: {error}"
        assert error.code == status, f"{error.code}: {error}"
        reason = error.details["error"].get("details", [{}])[0].get("reason")
        assert code is None or reason == code, f"not {code}: {error.details}"
        return error
    raise AssertionError(f"no error, but {said}")


def chat():
    answer = ask(f"I am {EMAIL}", system_instruction="be kind")
    assert answer.text == f"You said: I am {EMAIL}", answer
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP, answer
    assert answer.usage_metadata.prompt_token_count > 0, answer
    assert answer.usage_metadata.total_token_count > answer.usage_metadata.prompt_token_count, answer
    assert answer.sdk_http_response.headers["x-sluicegate-exchange"], answer.sdk_http_response
    short = ask("long 100", max_output_tokens=5)
    assert short.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS, short
    session = client.chats.create(model="small")
    assert session.send_message("one").text == "You said: one"
    assert session.send_message(f"two {EMAIL}").text == f"You said: two {EMAIL}"
    assert len(session.get_history()) == 4, session.get_history()


def stream():
    events = list(stream_of(f"chunks of 1\nI am {EMAIL}"))
    said = "".join(event.text or "" for event in events)
    assert said == f"You said: I am {EMAIL}", said
    assert events[-1].candidates[0].finish_reason == types.FinishReason.STOP, events[-1]
    assert events[-1].usage_metadata.candidates_token_count > 0, events[-1]
    # Leaving early is nobody's error.
    next(iter(stream_of("long 2000")))


def tools():
    call = 'call weather {"city": "Rome"}\ncall time {"city": "Rome"}'
    expected = [("weather", {"city": "Rome"}), ("time", {"city": "Rome"})]
    config = {"tools": TOOLS, "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True)}
    answer = ask(call, **config)
    assert [(made.name, made.args) for made in answer.function_calls] == expected, answer
    results = [
        types.Part(
            function_response=types.FunctionResponse(id=made.id, name=made.name, response={"output": f"for {EMAIL}"})
        )
        for made in answer.function_calls
    ]
    question = types.Content(role="user", parts=[types.Part(text=call)])
    history = [question, answer.candidates[0].content, types.Content(role="user", parts=results)]
    assert ask(history, **config).text.count(EMAIL) == 2

    made = [one for event in stream_of(f"chunks of 3\n{call}", **config) for one in event.function_calls or []]
    assert [(one.name, one.args) for one in made] == expected, made

    # The SDK calls the function by itself, and sends back what it says.
    def weather(city: str) -> str:
        """Tells the weather."""
        return f"sunny in {city}, says {EMAIL}"

    answer = ask('call weather {"city": "Rome"}', tools=[weather])
    assert f"sunny in Rome, says {EMAIL}" in answer.text, answer


def thinking():
    answer = ask("reason: let me see\nhello", thinking_config=types.ThinkingConfig(include_thoughts=True))
    parts = [(part.text, bool(part.thought)) for part in answer.candidates[0].content.parts if part.text]
    assert parts == [("let me see", True), ("You said: hello", False)], answer
    parts = [part for event in stream_of("reason: let me see\nhello") for part in event.candidates[0].content.parts or []]
    assert "".join(part.text or "" for part in parts if part.thought) == "let me see", parts


def models():
    for version in (client, beta):
        assert [model.name for model in version.models.list()] == ["models/small"]
        assert version.models.generate_content(model="small", contents="hi").text == "You said: hi"


def failures():
    card = "4111 1111 1111 1111"
    raises(errors.ClientError, 400, "pii.blocked", lambda: ask(f"pay with {card}"))
    raises(errors.ClientError, 400, "pii.blocked", lambda: list(stream_of(f"pay with {card}")))
    raises(errors.ClientError, 400, "pii.blocked", lambda: ask("leak card"))
    unknown = raises(errors.ClientError, 404, "model_not_found", lambda: ask("hi", model="huge"))
    assert unknown.status == "NOT_FOUND", unknown.details
    wrong = types.Content(role="root", parts=[types.Part(text="x")])
    wrong = raises(errors.ClientError, 400, "invalid_request", lambda: ask([wrong]))
    violation = wrong.details["error"]["details"][1]["fieldViolations"][0]
    assert violation["field"] == "contents[0].role", wrong.details
    raises(errors.ServerError, 503, "guardrail_failed", lambda: ask("attack"))
    # On these platforms the gateway has a key of its own: what is said about that is not for callers.
    for status in (429,) if sys.argv[2] in ("azure", "bedrock") else (401, 429):
        refused = raises(errors.ClientError, status, None, lambda: ask(f"fail {status}: of the provider"))
        assert "of the provider" in refused.message, refused
    # In the middle of a stream.
    said = []

    def denied():
        for event in stream_of("slow 20\nleak card"):
            said.append(event)

    raises(errors.ClientError, 400, "pii.blocked", denied)
    assert said[-1].candidates[0].finish_reason == types.FinishReason.SAFETY, said


for check in [chat, stream, tools, thinking, models, failures]:
    check()
    print("ok", check.__name__)
