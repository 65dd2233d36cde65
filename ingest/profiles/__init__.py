"""One TOML file per kind of source: where identity, reader, status, times and text live. `impresario profile` proposes one."""

from ingest.profiles.profile import BadProfile, Place, Profile, Profiles

__all__ = ["BadProfile", "Place", "Profile", "Profiles"]
