"""Taking products and stock in from files of spreadsheets: a whole file, or nothing of it."""
