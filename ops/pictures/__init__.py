"""The pictures of docs/architecture.md, drawn from the code as far as the code says it."""
