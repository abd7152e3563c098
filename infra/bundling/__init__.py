"""Function bundles without Docker: the function's own modules, its hashed wheels and their bytecode."""
