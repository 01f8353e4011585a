"""A real OData server with the entities of S/4HANA."""
