"""YamlText: reads YAML that others wrote, without its traps: references that unfold without end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yaml import Node, SafeLoader

__all__ = ["parse_yaml"]

# With all its references written out. The largest kubeconfigs have some thousands.
_MOST_VALUES = 100_000


def parse_yaml(text: str) -> Any:
    """Return the value.

    Raises:
        ValueError: it is no YAML, or would be huge if all references were written out; of any length.
    """
    # Imported late: a Pod has no kubeconfig, and need not pay for a YAML parser.
    import yaml

    try:
        return _construct(yaml.SafeLoader(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError) as error:
        # What a tag announces (``!!timestamp``, ``!!bool``) is not checked by the parser before it is used.
        raise ValueError(f"a value is none of its tag ({type(error).__name__})") from error


def _construct(loader: SafeLoader) -> Any:
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _weigh(node, {}) > _MOST_VALUES:
            raise ValueError("its references unfold to a huge document")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _weigh(node: Node, known: dict[Node, int]) -> int:
    """Return how many values there are with all references written out.

    Raises:
        ValueError: without end, because something contains itself.
    """
    weight = known.get(node)
    if weight is None:
        known[node] = 0  # on the way here
        parts = node.value if isinstance(node.value, list) else []
        flat = (part for each in parts for part in (each if isinstance(each, tuple) else (each,)))
        weight = known[node] = 1 + sum(_weigh(part, known) for part in flat)
    if not weight:
        raise ValueError("something in it contains itself")
    return weight
