"""Which words stand for the same thing when a refusal, a warning or an answer is told by them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

ECHO: Final = "<q>"
GAP: Final = "_"

_CLASSES: Final = {
    "HARM": "harm harmful harms harmed harming dangerous danger dangers dangerously unsafe "
    "hazardous hazard hazards risky risk risks risking toxic poisonous poisoning deadly fatal "
    "lethal injury injuries injure injured injuring hurt hurting suffering damage damaging damaged "
    "death violence violent severe abuse abusive threat threatening detrimental perilous unhealthy "
    "irritation infection infections choking burns catastrophic devastating exploitation exploit "
    "destructive contaminated contamination bacteria serious",
    "ILLEGAL": "illegal illegally unlawful unlawfully crime crimes criminal criminals prohibited "
    "forbidden banned felony offense offence penalties prosecution arrest jail imprisonment fines "
    "fraud fraudulent theft violation violations violate violates violating illicit punishable "
    "vandalism trespassing harassment unauthorized",
    "LAW": "law laws legal legally legality regulations regulation regulated rules policy policies "
    "guidelines permits authorities police",
    "BAD": "unethical inappropriate disrespectful immoral wrong unacceptable offensive hurtful "
    "insensitive discriminatory hateful racist sexist derogatory dishonest irresponsible "
    "unprofessional problematic distasteful inhumane invasive intrusive rude unsanitary unhygienic "
    "unwise",
    "OK": "ethical appropriate acceptable okay ok advisable safe moral respectful responsible "
    "suitable recommended permissible proper wise polite accurate fair right justified edible",
    "PREJUDICE": "discrimination discriminate discriminated racism sexism stereotypes stereotype "
    "stereotyping prejudice prejudiced bias biases stigma intolerance bigotry hatred hate "
    "extremist "
    "extremism terrorist terrorism propaganda genocide denial",
    "RESPECT": "respect respecting dignity consent boundaries equality inclusive inclusion empathy "
    "compassion kindness equally fairly",
    "PRIVATE": "privacy private confidential confidentiality personal sensitive",
    "CARE": "helpline hotline crisis counselor counsellor therapist psychologist suicide lifeline "
    "samaritans emergency doctor physician professional professionals medical healthcare mental "
    "support",
    "ASSIST": "assist help provide fulfill answer offer give generate create engage comply respond "
    "discuss comment participate share fulfil complete process continue",
    "ENDORSE": "recommend endorse promote encourage condone suggest advise advocate facilitate "
    "advised encouraged condoned",
    "REFUSE": "decline refuse refrain avoid discourage reconsider stop against",
    "GREAT": "great wonderful fantastic awesome excellent amazing glad happy enjoy delicious fun "
    "beautiful congratulations perfect nice lovely thoughtful cool exciting",
    "SURE": "sure certainly yes yep yeah",
    "SORRY": "sorry apologize apologise apologies regret unfortunately afraid",
    "IMAGE": "image picture photo photograph images pictures photos screenshot illustration",
    "SHOW": "shows show depicts depicting showing displays features shown depicted visible "
    "provided",
    "SEEM": "appears appear seems seem looks resembles referring refers",
    "INSTEAD": "instead alternatively alternative alternatives alternately",
    "CONTRAST": "however but although though nevertheless nonetheless",
    "VAGUE": "context clarify clarification unclear ambiguous specific details interpreted depends "
    "depend depending subjective determine definitively uncertain",
    "UNDERSTAND": "understand appreciate realize concern concerns worried",
    "NOTE": "important crucial essential vital remember note noted aware mindful caution cautious "
    "careful consider keep always ensure",
    "STEP": "steps step ingredients instructions tips recipe methods method following ways way "
    "options guide list suggestions ideas",
    "AI": "ai assistant chatbot openai language",
    "ABLE": "able unable ability capability capable access",
    "FICTION": "fictional character fiction imaginary game myth mythical movie",
    "SCIENCE": "scientific scientifically evidence supernatural impossible physically possible "
    "coherent factually factual logical logically premise humans beings inanimate",
    "STRONG": "absolutely definitely strongly highly extremely never completely strictly simply "
    "clearly very",
    "INFORMATION": "information data records address number history",
    "REQUEST": "questions question request requests topic query",
    "IMPERATIVE": "use add place check make choose take follow try mix cook clean wash apply wear "
    "start begin look find contact visit set cut store cover remove practice focus plan gather "
    "pour "
    "stir heat click open press select research prepare serve",
}
CLASS_OF: Final[Mapping[str, str]] = {
    word: name for name, words in _CLASSES.items() for word in words.split()
}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


KEPT: Final = _set(
    "? ! : a i you we they it he she this that these those there here not no can could should "
    "would will may might must does do did don is are was were am be been being have has had if in "
    "to of for from with by as on at about how what why when where who which or and so because "
    "please let us my your their any anyone someone people person others just only also many some "
    "more further else other like such want need feel think believe know hear see say seek talk "
    "speak reach wish trying going idea good better best bad thank thanks welcome"
)
# Too common in queries for their return in a response to say anything.
_COMMON: Final = _set(
    "a an the i you he she it we they me him her us them my your his its our their this that these "
    "those of in on at to for from with by as is are was were be been being do does did can could "
    "should would will shall may might must not no and or but if so what which who whom whose how "
    "why when where there here have has had am going go get got some any all one out up off down "
    "over into about than then just best way good take make use put tell say try give keep let "
    "want "
    "need know please"
)
_SUFFIXES: Final = ("ing", "ies", "ied", "ed", "es", "s", "er", "e")
_SHORTEST_STEM, _SHORTEST_ECHO = 3, 3
ENGLISH: Final = KEPT | _COMMON | CLASS_OF.keys()


@lru_cache(maxsize=4096)
def echo_stem(word: str) -> str | None:
    """Return the stem by which a query's word is known again, or None for a common word."""
    if word in _COMMON or len(word) < _SHORTEST_ECHO:
        return None
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            word = word[: -len(suffix)]
            break
    return word[:-1] if len(word) > _SHORTEST_STEM and word[-1] == word[-2] else word
