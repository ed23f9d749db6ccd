"""Templates filled in: pages that are one file each, with their look and script inside.

Every room that makes pages keeps its templates in a folder `templates` of its own. They are named `ROOM/FILE`, and all
rooms share those of `report`.
"""

import functools
from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined

_HOUSE = "vis2sound_jax.report"


def render(name: str, values: dict[str, Any], *, package: str = _HOUSE) -> str:
    """Fills a template in.

    Args:
      name: of the template, `ROOM/FILE.html`.
      values: by name, what the template shows. Texts are escaped.
      package: whose templates are found beside those of `report`, such as "vis2sound_jax.listening".

    Returns:
      The page.

    Raises:
      jinja2.TemplateNotFound: for a name that is no template.
      jinja2.UndefinedError: where the template shows a value that was not given.
    """
    return environment(package).get_template(name).render(values)


@functools.cache
def environment(package: str = _HOUSE) -> Environment:
    """Makes what templates are found and filled in by.

    A style sheet or script enters a page by `inlined("ROOM/FILE") | safe`, as it stands: its braces are its own.

    Args:
      package: see `render`.

    Returns:
      An environment that escapes every text and raises for values that are missing.
    """
    loader = PrefixLoader({each.rpartition(".")[2]: PackageLoader(each) for each in (_HOUSE, package)})
    pages = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # What is drawn depends on the order in which things are listed, so they are not sorted.
    pages.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    pages.globals["inlined"] = lambda name: loader.get_source(pages, name)[0]
    return pages
