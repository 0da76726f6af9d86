"""Mode lines such as `BRIEF_MODE=ON`: flags in the system message that change how the pocket model replies."""

import random


def add_mode(
    rng: random.Random, wordings: dict, turns: list, system: str, chance: float, forms: dict | None = None
) -> tuple[list, str]:
    """Perhaps set a mode and change the replies accordingly.

    `forms` holds the replies of the modes that choose between texts (short and long, plain and polite);
    without it only modes that frame a reply are drawn. Returns the turns and the system message.
    """
    if rng.random() >= chance:
        return turns, system
    name = _draw(rng, wordings["modes"], turns, forms or {})
    value = rng.choice(["on", "on", "off"])
    effect = wordings["modes"][name].get(value)
    turns = [(user, _change(reply, effect, forms or {})) for user, reply in turns]
    names = spellings(name, value)
    if rng.random() < 0.12:
        first = f"{name}_MODE={value.upper()}\n{turns[0][0]}"
        return [(first, turns[0][1])] + turns[1:], system
    return turns, rng.choice(wordings["mode_forms"]).format(system=system, **names).strip()


def spellings(name: str, value: str) -> dict[str, str]:
    """A mode's name and value as the wordings spell them: {NAME}, {name}, {VALUE}, {value}."""
    return {"NAME": name, "name": name.lower(), "VALUE": value.upper(), "value": value}


def _draw(rng: random.Random, modes: dict, turns: list, forms: dict) -> str:
    choosing = [name for name in sorted(modes) if modes[name]["on"] in forms]
    framing = [name for name in sorted(modes) if "{reply}" in modes[name]["on"]]
    if max(len(reply) for _, reply in turns) < 40:
        framing.append("CAPITAL")
    return rng.choice(choosing) if choosing and rng.random() < 0.7 else rng.choice(framing)


def _change(reply: str, effect: str | None, forms: dict) -> str:
    if effect is None:
        return reply
    if effect == "upper":
        return reply.upper()
    return forms.get(effect) or effect.format(reply=reply)
