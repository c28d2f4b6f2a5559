"""``report.html``: a run as one page that opens anywhere, offline and without a script."""
