"""Reports: one tree of content, set as a self-contained page, as PDF and as a workbook."""

from transition_sim.report.document import Document
from transition_sim.report.write import document_of, write_comparison_report, write_report

__all__ = ["Document", "document_of", "write_comparison_report", "write_report"]
