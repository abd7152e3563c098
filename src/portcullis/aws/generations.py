"""Which generation of the root new ids name: ``ROOT / GENERATION``, else the first that is there."""

from portcullis.aws.dynamo import Item, Table
from portcullis.aws.roots import Roots

PRIMARY_KEY: Item = {"pk": "ROOT", "sk": "GENERATION"}


def current(table: Table, roots: Roots) -> str:
    """The generation as it is now."""
    item = table.get(PRIMARY_KEY)
    return str(item["generation"]) if item else roots.generations[0]
