"""What a page says of the arms that are controls."""

CONTROL = "A control is no model but an arm whose replies are a text of the study, against which others are held."
CLASSIFIER = "a classifier of character n-grams, and no language model: it knows how words are written"
WHENCE = {"own": "filled in from the request itself", "another": "filled in from another request, drawn by hash"}


def about_controls(controls: dict[str, dict], targets: dict[str, list[str]]) -> list[str]:
    """What a control is, and a sentence for each by its record and the texts that it says; nothing without one."""
    reciting = {name: control for name, control in controls.items() if "says" in control}
    sentences = [
        f"{name} says {' or '.join(map(_quoted, targets[control['says']]))} to {_listed(control['kinds'])} requests, "
        f"{WHENCE[control['of']]}."
        for name, control in reciting.items()
    ]
    fitted = [
        f"{name} is {CLASSIFIER}; it was fitted on the mix {control['fits']}, and says the {control['field']} that it "
        f"tells by the question alone to {_listed(control['kinds'])} requests."
        for name, control in controls.items()
        if "fits" in control
    ]
    return [*([CONTROL] if sentences else []), *sentences, *fitted]


def _quoted(text: str) -> str:
    return f"\u201c{' / '.join(text.splitlines())}\u201d"


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
