"""The report: one self-contained page that says what became of a dispatch."""

from console.report.page import report_page, write_report

__all__ = ["report_page", "write_report"]
