"""The OpenAPI documents of both APIs, built from the models that parse requests: `make openapi`.

It lies here because only a developer's machine runs it: infra may not import the domain, nothing that is deployed shall
carry it, and the package's command line may not import the domain either.
"""
