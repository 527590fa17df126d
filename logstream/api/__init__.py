"""The HTTP face of the service: routes, what is asked in them, and how answers and events look on the wire.

Owns every byte that a client sees, and which error is which HTTP status. Refuses to build or to own what it asks: that
is handed over in `context.ApiContext`.
"""
