"""Whether an agent behaves like itself (DESIGN 9). Pure and deterministic; the clock is passed in."""
