"""The API described: takes operations in, gives an OpenAPI 3.1 document out."""

from botcore.api.openapi.document import document
from botcore.api.openapi.examples import Example, example_of

__all__ = ["Example", "document", "example_of"]
