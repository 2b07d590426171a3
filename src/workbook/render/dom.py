"""HTML and XHTML as a tree: read from what pandoc writes, and written with no tag as text.

pandoc's HTML is well-formed XML, so one strict reader serves the site and the EPUB, and what
is not well-formed (raw HTML of a filter) is told at once. The writer is our own because
lxml's HTML writer escapes the Chinese in addresses and its XML writer closes empty elements
in a way that browsers misread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape

from lxml import etree

Element = etree._Element
_VOID = frozenset(["area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"])
_PARSER = etree.XMLParser(resolve_entities=False, huge_tree=True)


def parse(fragment: str) -> Element:
    """A fragment of HTML below an element that is not written."""
    return etree.fromstring(f"<body>{fragment}</body>", _PARSER)


def document(page: bytes) -> Element:
    """A whole page of XHTML; `write_document` gives back its declaration and doctype."""
    return etree.fromstring(page, _PARSER)


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def classes(element: Element) -> list[str]:
    """The classes of an element."""
    return element.get("class", "").split()


def having(root: Element, name: str, kind: str = "") -> list[Element]:
    """All elements of this name below a root, of this class where one is given."""
    return [
        each
        for each in root.iter()
        if local(each) == name and (not kind or kind in classes(each))
    ]


def text(element: Element) -> str:
    """The words of an element, its spaces made plain."""
    return " ".join("".join(element.itertext()).split())


def add_class(element: Element, name: str) -> None:
    """Add a class behind those that are there."""
    element.set("class", " ".join([*classes(element), name]))


def attach(element: Element, words: str) -> None:
    """Put words in the place right before an element."""
    before, parent = element.getprevious(), element.getparent()
    if before is not None:
        before.tail = (before.tail or "") + words
    elif parent is not None:
        parent.text = (parent.text or "") + words


def append_words(element: Element, words: str) -> None:
    """Put words at the end of what an element holds."""
    if len(element):
        element[-1].tail = (element[-1].tail or "") + words
    else:
        element.text = (element.text or "") + words


def remove(element: Element) -> None:
    """Take an element away, but not what follows it."""
    attach(element, element.tail or "")
    element.tail = None
    element.getparent().remove(element)


def unwrap(element: Element) -> None:
    """Put what an element holds in its place."""
    attach(element, element.text or "")
    parent = element.getparent()
    at = parent.index(element)
    children = list(element)
    for child in reversed(children):
        parent.insert(at, child)
    tail = element.tail or ""
    if children:
        children[-1].tail = (children[-1].tail or "") + tail
    else:
        attach(element, tail)
    element.tail = None
    parent.remove(element)


def rename(element: Element, name: str, **attributes: str) -> None:
    """Make it an element of another name, with these attributes and no others."""
    element.tag = name
    for key in list(element.attrib):
        del element.attrib[key]
    for key, value in attributes.items():
        element.set(key, value)


def inner(element: Element) -> str:
    """What an element holds, as HTML."""
    return "".join(_written(element, _html_name, inside=True))


def outer(element: Element) -> str:
    """An element as HTML, without what follows it."""
    return "".join(_written(element, _html_name))


def write_document(root: Element) -> bytes:
    """A whole page of XHTML, its namespaces declared where they were."""
    text = "".join(_written(root, _xhtml_name, xml=True))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n{text}\n'.encode()


# --- the writer ------------------------------------------------------------------------

Namer = Callable[[Element, str], str]


def _html_name(_element: Element, name: str) -> str:
    """In HTML the parser knows where MathML begins, and no name has a prefix."""
    return etree.QName(name).localname


def _xhtml_name(element: Element, name: str) -> str:
    """In XHTML a name has the prefix that its namespace was declared with."""
    parsed = etree.QName(name)
    if parsed.namespace == "http://www.w3.org/XML/1998/namespace":
        return f"xml:{parsed.localname}"
    prefixes = {uri: prefix for prefix, uri in element.nsmap.items() if uri}
    prefix = prefixes.get(parsed.namespace) if parsed.namespace else None
    return f"{prefix}:{parsed.localname}" if prefix else parsed.localname


def _declared(element: Element) -> Iterator[tuple[str, str]]:
    """The namespaces that an element declares and its parent does not."""
    parent = element.getparent()
    above = parent.nsmap if parent is not None else {}
    for prefix, uri in element.nsmap.items():
        if above.get(prefix) != uri:
            yield (f"xmlns:{prefix}" if prefix else "xmlns"), uri


def _written(
    element: Element, name: Namer, inside: bool = False, xml: bool = False
) -> Iterable[str]:
    """The pieces of an element; with `inside` only of what it holds."""
    if not isinstance(element.tag, str):  # a comment
        return
    tag = name(element, element.tag)
    if not inside:
        attributes = [*(_declared(element) if xml else ()), *element.attrib.items()]
        yield f"<{tag}"
        for key, value in attributes:
            yield f' {key if key.startswith("xmlns") else name(element, key)}="{_value(value)}"'
        if tag in _VOID:
            yield " />" if xml else ">"
            return
        yield ">"
    yield _words(element.text)
    for child in element:
        yield from _written(child, name, xml=xml)
        yield _words(child.tail)
    if not inside:
        yield f"</{tag}>"


def _words(text: str | None) -> str:
    return escape(text, quote=False) if text else ""


def _value(text: str) -> str:
    return escape(text, quote=False).replace('"', "&quot;")
