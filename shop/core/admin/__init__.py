"""What every page of the web admin builds on."""
