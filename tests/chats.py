"""Chats and templates to test with: good ones, and templates that are broken in one way each."""

SYSTEM, USER = {"role": "system", "content": "Be kind."}, {"role": "user", "content": "How do I bake bread?"}
REPLY = {"role": "assistant", "content": "With care."}
BODY = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
PROMPT = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
BROKEN = {
    "a generation prompt that training never shows": (
        BODY + PROMPT.replace("assistant", "helper"),
        r"does not begin with the prompt.*prompt: .*helper.*training: .*assistant",
    ),
    "a thinking block that is in the training text alone": (
        BODY.replace("{{ m.content }}", "{{ '<think>\n\n</think>\n\n' if m.role == 'assistant' }}{{ m.content }}")
        + PROMPT,
        r"the reply and nothing else.*reply: +'With care.'.*taught: .*</think>.*With care",
    ),
    "a system message that is left out": (
        BODY.replace("messages %}", "messages if m.role != 'system' %}") + PROMPT,
        r"leaves out or rewrites a message of the role 'system'.*message: 'Be kind.'.*prompt: .*bake bread",
    ),
    "texts in capitals": (BODY.replace("m.content", "m.content | upper") + PROMPT, r"leaves out or rewrites"),
    "a reply in capitals": (
        BODY.replace("m.content", "(m.content | upper if m.role == 'assistant' else m.content)") + PROMPT,
        r"the reply and nothing else.*reply: +'With care.'.*taught: +'WITH CARE.'",
    ),
    "no end token behind the last reply": (
        BODY.replace("<|im_end|>", "{{ '' if loop.last and m.role == 'assistant' else '<|im_end|>' }}") + PROMPT,
        r"end token '<\|im_end\|>' must follow the reply.*prompt: .*training: .*With care.*writes it there",
    ),
    "a refusal of the template": (
        "{{ raise_exception('no system message, please') }}",
        r"cannot write a chat of the roles system, user: no system message, please",
    ),
}


def row(condition: str, system: str | None, **rest) -> dict:
    messages = [USER] if system is None else [{"role": "system", "content": system}, USER]
    return {"id": condition, "condition": condition, "messages": messages, **rest}
