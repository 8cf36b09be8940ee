"""Payment providers: each adapter turns a signed callback into one message, or refuses it."""
