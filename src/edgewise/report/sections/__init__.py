"""Parts of the page: what each one shows, ready for its template."""
