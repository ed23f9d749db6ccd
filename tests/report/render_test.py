"""Laws of filling templates in: texts are escaped, files enter as they stand, what is missing is an error."""

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from vis2sound_jax.report.render import environment, render

LISTENING = "vis2sound_jax.listening"


def filled(source: str, **values: object) -> str:
    return environment().from_string(source).render(values)


def test_texts_are_escaped_everywhere() -> None:
    page = render("report/left_out.html", {"section": {"content": ["a <b>.mp4 & \"c\" 'd'"]}})
    assert "<li>a &lt;b&gt;.mp4 &amp; &#34;c&#34; &#39;d&#39;</li>" in page
    assert filled("{{ text }}", text="<script>") == "&lt;script&gt;"


@pytest.mark.parametrize("source", ["{{ title }}", "{% if title %}x{% endif %}", "{{ given.title }}"])
def test_a_value_that_is_missing_is_an_error(source: str) -> None:
    with pytest.raises(UndefinedError, match="title"):
        filled(source, given={})


def test_a_room_finds_its_own_templates_and_those_of_the_reports() -> None:
    assert set(environment().list_templates()) < set(environment(LISTENING).list_templates())
    assert environment(LISTENING) is environment(LISTENING)
    with pytest.raises(TemplateNotFound):
        render("listening/study.html", {})


@pytest.mark.parametrize("name", ["report/style.css", "listening/study.css", "listening/study.js"])
def test_a_file_enters_a_page_as_it_stands(name: str) -> None:
    pages = environment(LISTENING)
    assert pages.loader is not None
    source = pages.loader.get_source(pages, name)[0]
    assert pages.from_string("{{ inlined(name) | safe }}").render(name=name) == source and len(source) > 100


def test_data_of_a_script_end_no_element_and_keep_their_order() -> None:
    data = filled("{{ data | tojson }}", data={"b": "</script><!--", "a": "é ’"})
    assert data == '{"b": "\\u003c/script\\u003e\\u003c!--", "a": "é ’"}'
