"""Reports for readers who never open the app: words, tables and figures once, written as HTML, PDF and files."""
