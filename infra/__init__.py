"""The AWS side of Portcullis as a CDK app.

The CDK library starts Node.js when it is imported, so the pinned Node is chosen here, before any module of this
package can import it. That keeps a system Node of another version, or none at all, from mattering.
"""

import os

from infra.toolchain import node_executable

os.environ["JSII_NODE"] = str(node_executable())
