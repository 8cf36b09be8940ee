"""HTTP as the intake and the API share it: headers, bodies, replies and problems."""
