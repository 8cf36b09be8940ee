"""E-mail to customers, many messages on one connection."""
