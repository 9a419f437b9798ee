"""The container files hold to what a town's security officer asks first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").splitlines()
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_the_image_does_not_run_as_root_and_says_whether_it_lives() -> None:
    last_stage = DOCKERFILE[max(number for number, line in enumerate(DOCKERFILE) if line.startswith("FROM")) :]
    assert "USER 10001:10001" in last_stage
    assert any(line.startswith("HEALTHCHECK") for line in last_stage)


def test_every_base_is_of_a_fixed_version() -> None:
    bases = [line.split()[1] for line in DOCKERFILE if line.startswith("FROM")]
    images = [service["image"] for service in SERVICES.values()]
    assert len(bases) == 2
    assert all(":" in image and "latest" not in image for image in bases + images)


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_every_service_is_read_only_and_has_no_rights_to_spare(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "healthcheck" in service or service["image"].startswith("todoke:")


def test_only_todoke_can_be_reached_and_only_from_this_machine() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "serve": ["127.0.0.1:8080:8080"]
    }
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_secrets_come_by_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if any(word in name for word in ("PASSWORD", "KEY", "DATABASE_URL")):
                assert name.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]
