"""The language of a reply, as far as it matters: whether a detector was made for it.

Not a classifier: it counts the commonest words of a few languages, and the script of the letters. A reply that shows no
language, such as a name or a number, is taken for one that can be read.
"""

import re
import unicodedata
from collections import Counter

# The commonest function words; those that two languages share count for neither.
WORDS = {
    "en": "the and of to is that it you i this for are with be not have what your my can by from they we would do "
    "there an was but how which if as at or no will here he she his on in",
    "de": "der die das und nicht ich ist ein eine zu mit den von auf es sie für dem im sich kann kein keine leider "
    "dazu aber wie oder wir werden bei nach ja nein du dabei",
    "fr": "le les et des je ne pas vous est une dans que pour qui sur avec ce cette il elle nous désolé mais à "
    "répondre m'est c'est d'une aux",
    "es": "el los las y que en no es una por para con lo siento puedo pero del se su como más sobre estoy al esta "
    "pregunta ayudarte",
    "it": "il gli che di non è un una per con mi sono posso ma del della questo questa come più nel mi "
    "dispiace rispondere alla della domanda",
    "pt": "o os as e que não é um uma para com eu você mas do da em posso isso como mais sobre desculpe "
    "pergunta ajudar",
    "nl": "de het een en niet ik is van dat te op voor met zijn maar kan geen dit er helaas je die aan",
    "pl": "nie w i się na z to jest że do przepraszam mogę tym pomóc jak ale czy od po za dla",
}
TIMES = Counter(word for words in WORDS.values() for word in set(words.split()))
COMMON = {code: frozenset(word for word in words.split() if TIMES[word] == 1) for code, words in WORDS.items()}
LEAST = 2  # common words that show another language, or words with letters outside ASCII that show one without a list
NAME = 3  # words, which may be a name from anywhere


def unread(text: str, languages: tuple[str, ...]) -> bool:
    """Whether a normalised text is in another language than these (codes of `WORDS`).

    It is when most of its letters are not Latin, when it has more than twice as many common words of another language
    as of these, and when it has none of these but several words with letters outside ASCII.
    """
    letters = [character for character in text if character.isalpha()]
    if sum(map(_latin, letters)) * 2 < len(letters):
        return True
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)
    counts = {code: sum(word in common for word in words) for code, common in COMMON.items()}
    known = max(counts[code] for code in languages)
    foreign = sum(not word.isascii() for word in words) if not known and len(words) > NAME else 0
    other = max(counts.values())
    return (other >= LEAST and other > 2 * known) or foreign >= LEAST


def _latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")
