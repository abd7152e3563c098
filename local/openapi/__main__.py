"""`python -m local.openapi`: write both documents, and the schemas of the events."""

from local.openapi import event_schemas
from local.openapi.document import DOCUMENTS, FOLDER, text

for name, api in DOCUMENTS.items():
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / name).write_text(text(api))
    print(f"wrote docs/openapi/{name}: {len(api.operations)} operations")

event_schemas.FOLDER.mkdir(parents=True, exist_ok=True)
for type_ in event_schemas.DATA:
    (event_schemas.FOLDER / f"{type_}.json").write_text(event_schemas.text(type_))
print(f"wrote docs/events/{event_schemas.FOLDER.name}: {len(event_schemas.DATA)} event types")
