"""The report: one self-contained page that says what became of a dispatch."""

from todoke.report.page import write_report

__all__ = ["write_report"]
