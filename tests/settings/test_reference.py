from propylon.settings import Settings, settings_reference_markdown


def test_every_setting_has_one_row_with_its_default() -> None:
    page = settings_reference_markdown()
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == list(Settings.model_fields)
    assert "| `head_max_bytes` | `32768` |" in page
    assert "| `secret` | required |" in page
    assert "| `workers` | one per core |" in page
    assert "| `strict_secrets` | `false` |" in page
    assert "| `app_path` | unset |" in page
