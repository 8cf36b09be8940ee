"""Payment providers: each adapter turns a signed callback into the same news, or refuses it."""
