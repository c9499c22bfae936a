"""Pure array functions: they know arrays only, no layer and no phase."""
