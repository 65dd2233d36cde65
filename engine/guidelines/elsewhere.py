"""Parts of the body that belong to no guideline, so that a lesion there is not taken for one of the organ that was examined.

The places are those of the checker's lexicon (engine/lexicon/places.tsv): a "7 mm nodule of the diaphragm" on a CT of the chest is in
no lung.
"""

from __future__ import annotations

from engine.lexicon import lexicon
from engine.sentences import tokens_of

#: What `words.organs` and the lexicon call differently.
_PLACES = {"adnexa": "ovary", "aorta": "abdominal_aorta", "node": "lymph_nodes"}
#: Many organs have one: "right mid pole" is of the thyroid as well as of the kidney. A lung has only these seven.
_OF_LUNG = frozenset("lobe segment zone apex apical base hilum".split())
_SHARED = _OF_LUNG | frozenset("pole quadrant head body tail neck dome wall gland sinus medullary sac".split())
ELSEWHERE, FAR = "elsewhere", "far away"
_FAR = frozenset({"upper_extremity", "lower_extremity", "head"})


def outside(text: str, organ: str) -> list[tuple[str, int, int]]:
    """The places `text` names that neither hold `organ` nor lie in it, as `words.organs` gives organs: name, start, end."""
    known = lexicon()
    place = _PLACES.get(organ, organ)
    if place not in known.places:
        return []
    tokens = tokens_of(text)
    found = []
    for term in known.find([token.text for token in tokens]):
        named = [meaning.value for meaning in term.meanings if meaning.kind == "place"]
        shared = tokens[term.last - 1].text in (_OF_LUNG if organ == "lung" else _SHARED)
        if named and not shared and not any(place in known.around[one] or one in known.around[place] for one in named):
            is_far = all(known.around[one] & _FAR for one in named) and not known.around[place] & _FAR
            found.append((FAR if is_far else ELSEWHERE, tokens[term.first].start, tokens[term.last - 1].end))
    return found
