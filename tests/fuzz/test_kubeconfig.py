"""Kubeconfigs that nobody should have written."""

from __future__ import annotations

from tests.fuzz.examples import fuzz
from tests.fuzz.kubeconfig import make_target


def test_any_kubeconfig_is_a_configuration_or_a_fault_in_one_line() -> None:
    fuzz(make_target, share=0.5)
