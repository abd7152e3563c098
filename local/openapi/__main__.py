"""`python -m local.openapi`: write both documents."""

from local.openapi.document import DOCUMENTS, FOLDER, text

for name, api in DOCUMENTS.items():
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / name).write_text(text(api))
    print(f"wrote docs/openapi/{name}: {len(api.operations)} operations")
