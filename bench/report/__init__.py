"""The report: docs/performance.md and its picture."""
