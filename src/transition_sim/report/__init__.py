"""Reports: one tree of content, set as a self-contained page, as PDF and as a workbook.

What a report says is made in a module for each kind of result (`comparison`), as a `Document`; how it is set, in
`page`, `paper` and `workbook`, which know nothing of the result. Another kind of folder needs a function that makes a
Document of it, and a line in `write.document_of`.
"""

from transition_sim.report.document import Document
from transition_sim.report.write import document_of, write_comparison_report, write_report

__all__ = ["Document", "document_of", "write_comparison_report", "write_report"]
