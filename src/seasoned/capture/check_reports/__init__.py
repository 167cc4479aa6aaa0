"""Reports that checks left behind: coverage, tests, lint, types, security; read for what they say of one file.

Invariant: a report counts only where it is known to speak of the file. One that is older than the file is *stale*, and
one that lists findings alone and has none of this file leaves open whether it was looked at. Reports are foreign files:
XML is read as a stream with every entity declaration refused, nothing is fetched, sizes are bounded, and what cannot
be read is said and left out.
"""

from seasoned.capture.check_reports.found import MOST_BYTES, project_root, reports_about
from seasoned.capture.check_reports.report import CheckReport, Finding, ReportKind, ReportProblem

__all__ = ["MOST_BYTES", "CheckReport", "Finding", "ReportKind", "ReportProblem", "project_root", "reports_about"]
