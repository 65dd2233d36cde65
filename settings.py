"""Every setting of Impresario, its default and its meaning.

Read from the environment (`IMPRESARIO_…`) and from `impresario.toml`, the environment winning. Only the desks (`*/desk.py`) read it,
once, and hand plain values inwards.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

SHIPPED_BASE = Path(__file__).parent / "demo" / "base"


def listed(given: object) -> object:
    """`fhir, hl7v2` is the same list as `["fhir", "hl7v2"]`; nothing is no list, for it may mean nobody or everybody."""
    if not isinstance(given, str):
        return given
    if not given.strip():
        raise ValueError("write it as a list, a, b, or leave the setting away")
    return json.loads(given) if given.lstrip().startswith("[") else [word.strip() for word in given.split(",")]


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)]
WordsIfSet = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(listed)]


class Delivery(BaseModel):
    """One system that gets drafts directly: `[deliveries.NAME]` in impresario.toml (docs/connecting.md has an example of each way)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    way: Literal["fhir", "mllp", "fhircast"] = Field(description="a FHIR R4 server, HL7 v2 over MLLP, or a FHIRcast hub")
    to: str = Field(description="the FHIR base or hub as https://…, or HOST:PORT of an MLLP listener")
    tls: bool = Field(False, description="MLLP over TLS; an https address says so itself")
    authority: Path | None = Field(None, description="PEM of who signed its certificate; unset: the system's authorities")
    certificate: Path | None = Field(None, description="PEM with which we introduce ourselves")
    key: Path | None = Field(None, description="its private key, when it stands in a file of its own")
    token: SecretStr | None = Field(None, description="bearer token")
    token_file: Path | None = Field(None, description="a file with the bearer token, read at every use")
    token_url: str | None = Field(None, description="where a bearer token is fetched (OAuth 2.0 client credentials)")
    client: str | None = Field(None, description="our id there")
    client_secret: SecretStr | None = Field(None, description="our secret there")
    scope: str | None = Field(None, description="the scope asked for there")
    answer_within: float = Field(30.0, gt=0, le=40, description="seconds it may take to answer")
    session: str = Field("{radiologist}", description="FHIRcast: the topic of a radiologist's session, by their id")


class Settings(BaseSettings):
    """The settings of one process; field `x` is `IMPRESARIO_X`."""

    model_config = SettingsConfigDict(
        env_prefix="IMPRESARIO_", env_nested_delimiter="__", toml_file="impresario.toml", extra="forbid", frozen=True
    )

    kafka: str = Field("localhost:9092", description="bootstrap servers, or `memory`")
    kafka_tls: bool = Field(False, description="speak TLS; implied by an authority or a certificate")
    kafka_authority: Path | None = Field(None, description="PEM of who signed the brokers' certificates; unset: the system's")
    kafka_certificate: Path | None = Field(None, description="PEM with which we introduce ourselves (mTLS)")
    kafka_key: Path | None = Field(None, description="its private key, when it stands in a file of its own")
    kafka_sasl: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER"] | None = Field(
        None, description="how we sign in"
    )
    kafka_user: str | None = Field(None, description="SCRAM and PLAIN: our name")
    kafka_password: SecretStr | None = Field(None, description="SCRAM and PLAIN: our password")
    kafka_token_url: str | None = Field(None, description="OAUTHBEARER: where a token is fetched (OAuth 2.0 client credentials)")
    kafka_client: str | None = Field(None, description="OAUTHBEARER: our id there")
    kafka_client_secret: SecretStr | None = Field(None, description="OAUTHBEARER: our secret there")
    kafka_scope: str | None = Field(None, description="OAUTHBEARER: the scope asked for there")
    database: str = Field("sqlite:///var/impresario.db", description="SQLAlchemy URL")
    vllm: str = Field("http://localhost:8000", description="URL of an OpenAI-compatible vLLM, or `local` to start one")
    vllm_key: SecretStr | None = Field(None, description="bearer key of that vLLM")
    base_model: str = Field(str(SHIPPED_BASE), description="folder or name of the base model")
    shelf: Path = Field(Path("var/shelf"), description="where adapters stand")
    source: str = Field("default", description="source profile of messages without a `source` header")
    profiles: Path | None = Field(None, description="folder of your own source profiles")
    patient_key: SecretStr = Field(SecretStr("change-me"), description="key of the patient hash")

    topic_reports: str = "radiology.reports"
    topic_impressions: str = "radiology.impressions"
    topic_impressions_hl7v2: str = "radiology.impressions.hl7v2"
    topic_dead_letters: str = "radiology.reports-dlt"
    topic_events: str = "radiology.events"
    group: str = Field("impresario", description="Kafka consumer group")
    deliver: Words = Field(("fhir",), description="how drafts go out: fhir, hl7v2 (topics), or names of deliveries")
    deliveries: dict[str, Delivery] = Field(default_factory=dict, description="systems that get drafts directly, by name")

    opted_in: WordsIfSet = Field(None, description="ids of the radiologists who get drafts; unset: everybody")
    opted_in_modalities: WordsIfSet = Field(None, description="DICOM codes of the exams that get drafts; unset: all")
    languages: Words = Field(("en",), description="findings in another language get no draft: the checker cannot read them")
    short_normals: bool = Field(True, description="draft also for studies of one line that says all is normal")

    workers: int = Field(8, ge=1, description="reports drafted at once")
    deadline_stat: float = Field(5.0, gt=0, description="seconds a STAT draft may take")
    deadline: float = Field(15.0, gt=0, description="seconds any other draft may take")
    candidates: int = Field(4, ge=1, description="own-words candidates tried before falling back")
    without_adapter: Literal["draft", "layout", "examples"] = Field(
        "layout",
        description="until a radiologist has an adapter: the bare draft, the draft in their layout, or a base model reads their examples",
    )
    guidelines: Literal["off", "beside", "within"] = Field(
        "beside", description="where drafts carry what guidelines advise: beside the text, within it, or off"
    )
    image_ai: str | None = Field(None, description="FHIR R4 server that holds an image AI's Observations; unset: not asked")
    second_opinion: bool = Field(False, description="ask the base model whether the findings support each sentence")
    max_message_bytes: int = Field(64 * 1024 * 1024, gt=0, description="a larger message is a dead letter")
    dead_letter_ratio: float = Field(0.5, gt=0, le=1, description="share of dead letters in the last 100 that stops the agent")
    dead_letter_run: int = Field(50, ge=1, description="consecutive dead letters that stop the agent")

    enough_preferences: int = Field(60, ge=2, description="signed reports a radiologist needs before a night trains")
    held_out: int = Field(40, ge=1, description="later reports that judge a candidate")
    window: int = Field(1000, ge=1, description="most recent preferences a night learns from")
    seed: int = 7
    log_format: Literal["text", "json"] = "text"
    traces: Literal["off", "otlp"] = Field("off", description="OpenTelemetry traces; where to, says OTEL_EXPORTER_OTLP_ENDPOINT")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
