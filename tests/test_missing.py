"""Phrases that say that an answer is missing: what they catch, and what they take wrongly for an abstention."""

import json
import re

import pytest
from drawn import MIRROR, needs_mirror

from abstain.scorers.detectors.missing import says_missing

ABSTENTIONS = """The passage does not say.
That is not in the passage.
The passage doesn’t provide any information about the population of Fresno.
The text never explicitly states when the treaty was signed.
There is no mention of that in the passage.
It is not specified.
The answer is not given.
Unknown.
The answer is unknown.
Not mentioned.
Not stated in the passage.
N/A
No information is given about this.
The provided passage does not contain the answer to this question.
There isn't enough information to answer.
It cannot be determined from the passage.
It is not possible to answer that question.
The passage is silent on that.
There is no passage.
You have not given me a passage.
The question is based on a false premise.
The question assumes something that is not true.
There is no such thing as a flying fungus.
<think>It may be Paris.</think>The context does not say.
The context does not say, but it may be Paris.""".splitlines()
ANSWERS = """Paris
The answer is Paris.
no
1066
10th and 11th centuries
unknown soldiers
The treaty was not signed until 1648.
They could not agree on a price.
The Normans were not able to conquer Sicily.
a lack of information
because no one could find the body
The article was not printed.
Not all of the members voted.
It is illegal to sell it without a licence.
He said that "the passage does not say".
""".splitlines()
REBUTTALS = ["Cats do not have feathers.", "Men cannot breastfeed.", "Water cannot be stretched, it is a liquid."]


@pytest.mark.parametrize("reply", ABSTENTIONS)
def test_a_reply_that_says_that_the_answer_is_missing_is_found(reply):
    assert says_missing(reply)


@pytest.mark.parametrize("reply", ANSWERS)
def test_an_answer_is_none_however_much_it_denies(reply):
    assert not says_missing(reply)


@pytest.mark.parametrize("reply", REBUTTALS)
def test_a_premise_that_is_denied_in_other_words_is_not_found(reply):
    """It looks like an answer, and CONTRIBUTING says so."""
    assert not says_missing(reply)


@needs_mirror
def test_nearly_no_answer_and_no_sentence_of_a_passage_is_taken_for_an_abstention():
    articles = json.loads((MIRROR / "squad_v2/rebuilt/dev-v2.0.rebuilt.json").read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    answers = {each["text"] for p in paragraphs for question in p["qas"] for each in question["answers"]}
    sentences = {each for p in paragraphs for each in re.split(r"(?<=[.!?])\s+", p["context"])}
    assert sum(map(says_missing, answers)) <= 2 and len(answers) == 8978
    assert sum(map(says_missing, sentences)) <= 5 and len(sentences) == 6470
