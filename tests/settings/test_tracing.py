import pytest
from pydantic import ValidationError

from propylon.settings import Settings
from propylon.settings.loading import load_settings

SECRET = "a-secret-of-24-characters"


def settings(**values: object) -> Settings:
    return Settings(**({"secret": SECRET} | values))  # type: ignore[arg-type]  # a table of values of any type


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("", ""),
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://collector/otlp/v1/traces", "https://collector/otlp/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ],
)
def test_an_endpoint_without_a_path_means_the_usual_one(endpoint: str, url: str) -> None:
    assert settings(tracing_endpoint=endpoint).tracing_url == url


@pytest.mark.parametrize(
    "endpoint",
    [
        "collector:4318",
        "grpc://collector:4317",
        "http://",
        "http://collector:70000",
        "http://collector:x",
        "http://[::1",
        "http://col lector",
        "http://collector/\x7f",
        "http://cöllector",
    ],
)
def test_what_is_no_url_is_refused_with_an_example(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="http://host:4318"):
        settings(tracing_endpoint=endpoint)


@pytest.mark.parametrize("endpoint", ["http://me:canary@collector", "http://collector/?key=canary", "http://c/#canary"])
def test_an_endpoint_holds_no_secret_and_an_error_shows_none(endpoint: str) -> None:
    problems = load_settings(None, {"PROPYLON_SECRET": SECRET, "PROPYLON_TRACING_ENDPOINT": endpoint})
    assert isinstance(problems, list)
    assert "OTEL_EXPORTER_OTLP_HEADERS" in problems[0].message
    assert "canary" not in problems[0].message


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_ratio_lies_between_none_and_all(ratio: float) -> None:
    with pytest.raises(ValidationError):
        settings(tracing_sample_ratio=ratio)


def test_strangers_are_not_trusted_until_they_are() -> None:
    assert settings().tracing_trust == "proxies"
    with pytest.raises(ValidationError):
        settings(tracing_trust="nobody")
