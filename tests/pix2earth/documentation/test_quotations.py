"""The page on models quotes the interface and the worked plug-ins as they are."""

from pix2earth.documentation import quotations


def test_the_quoted_sections_are_current():
    for path, content in quotations.generated_files().items():
        assert path.read_text(encoding="utf-8") == content, "run make docs"
        assert 'sampling = "sequences"' in content and "class PlugIn(Protocol)" in content
