"""The package is told in pyproject.toml. Here stands only what `make fast` compiles, and why (docs/adr/0018-compiled-when-asked.md)."""

import sys
from pathlib import Path

from setuptools import Extension, setup

#: Pure, hot and typed: reading messages, and holding an impression against its findings. What talks to a disk, a line or a model is not.
COMPILED = {
    "ingest": """accessions charset documents endings er7 exam fhir fhir_fields fhir_narrative fhir_shape fhir_xml
        headings hl7v2 narrative paperwork parts people places prose read report sections statuses tables times
        versions""",
    "engine": """absence asides attach categories checks compare contradictions courses devices differences echoes emphasis exams extract fact fact_score
        facts impression interpretation kinship left_out lexicon/__init__ look_back measures messages modifiers omissions opposites other_side owners policy
        recommendations scales scope sentences signs sites strangers then_and_now tips urgency values""",
}


def compiled() -> list[Extension]:
    from mypyc.build import mypycify

    rooms = {room: [str(Path(room, f"{name}.py")) for name in names.split()] for room, names in COMPILED.items()}
    files = [file for room in rooms.values() for file in room]
    return mypycify(files, opt_level="2", separate=[(room, name) for name, room in rooms.items()])


setup(ext_modules=compiled() if "build_ext" in sys.argv else [])
