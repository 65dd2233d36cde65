"""Every setting of Impresario, its default and its meaning.

Read from the environment (`IMPRESARIO_…`) and from `impresario.toml`, the environment winning. Only the desks (`*/desk.py`) read it,
once, and hand plain values inwards.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

SHIPPED_BASE = Path(__file__).parent / "demo" / "base"


class Settings(BaseSettings):
    """The settings of one process; field `x` is `IMPRESARIO_X`."""

    model_config = SettingsConfigDict(env_prefix="IMPRESARIO_", toml_file="impresario.toml", extra="forbid", frozen=True)

    kafka: str = Field("localhost:9092", description="bootstrap servers, or `memory`")
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
    deliver: tuple[str, ...] = Field(("fhir",), description="how drafts go out: fhir, hl7v2")

    workers: int = Field(8, ge=1, description="reports drafted at once")
    deadline_stat: float = Field(5.0, gt=0, description="seconds a STAT draft may take")
    deadline: float = Field(15.0, gt=0, description="seconds any other draft may take")
    candidates: int = Field(4, ge=1, description="own-words candidates tried before falling back")
    max_message_bytes: int = Field(64 * 1024 * 1024, gt=0, description="a larger message is a dead letter")
    dead_letter_ratio: float = Field(0.5, gt=0, le=1, description="share of dead letters in the last 100 that stops the agent")
    dead_letter_run: int = Field(50, ge=1, description="consecutive dead letters that stop the agent")

    enough_preferences: int = Field(60, ge=2, description="signed reports a radiologist needs before a night trains")
    held_out: int = Field(40, ge=1, description="later reports that judge a candidate")
    window: int = Field(1000, ge=1, description="most recent preferences a night learns from")
    seed: int = 7
    log_format: Literal["text", "json"] = "text"

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
